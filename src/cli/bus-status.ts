import { Command } from "commander";
import { printable } from "../core/escape.ts";
import { formatBytes, formatDurationMs } from "../core/quantities.ts";
import type { BusStatus } from "../roles/bus-status.ts";
import { alignColumns } from "./columns.ts";
import { type CliContext, configSource } from "./context.ts";
import type { Output } from "./output.ts";

function colourOf(status: string, { colour }: Output): string {
  const text = printable(status);
  if (status === "HEALTHY") return colour.green(text);
  return status === "WARNING" || status === "DEGRADED" ? colour.yellow(text) : colour.red(text);
}

/** A figure in the unit that its name ends with: sizes and times as people read them. */
export function figureText(name: string, value: string): string {
  const n = Number(value);
  if (value.trim() === "" || !Number.isFinite(n)) return printable(value);
  if (/_bytes(_(min|max))?$/.test(name)) return formatBytes(n);
  // before 2001 it is no time of today, but how long something took
  if (/_ms$/.test(name)) return n >= 1e12 ? new Date(n).toISOString() : n === 0 ? "-" : formatDurationMs(n);
  if (/_ns$/.test(name) && n >= 1e18) return new Date(n / 1e6).toISOString();
  return n.toLocaleString("en-US");
}

function show({ address, health, status }: BusStatus, output: Output): void {
  const uptime = formatDurationMs(Number(status.uptimeSeconds) * 1000);
  const connections = `${status.connectedDevices} connection${status.connectedDevices === 1 ? "" : "s"}`;
  const state = colourOf(health.overallStatus, output);
  output.print(`Bus ${printable(address)}: ${state}, version ${printable(status.serviceVersion)}, up ${uptime}`);
  output.print(
    `${status.totalEventsProcessed} events stored since the start, ${status.eventsPerSecond} a second; ` +
      `${connections}; load ${(status.currentLoad * 100).toFixed(0)} %`,
  );
  output.print("");
  const checks = Object.entries(health.componentHealth).sort(([a], [b]) => a.localeCompare(b));
  const rows = checks.map(([name, check]) => [
    printable(name),
    colourOf(check.status, output),
    printable(check.message),
  ]);
  for (const line of alignColumns(rows)) output.print(line);
  output.print("");
  const metrics = Object.entries(status.serviceMetrics).sort(([a], [b]) => a.localeCompare(b));
  for (const line of alignColumns(metrics.map(([name, value]) => [printable(name), figureText(name, value)]))) {
    output.print(line);
  }
}

/** `amoskys bus status`. */
export function busStatusCommand(context: CliContext): Command {
  return new Command("status")
    .description("ask a running bus how it is, over mutual TLS as the operator")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  amoskys bus status --json\n\n" +
        "Exit status: 0 healthy, 3 degraded or unhealthy, 12 identity refused, 13 unreachable",
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const { askBusStatus, busStatusJson } = await import("../roles/bus-status.ts");
      const found = await askBusStatus(configSource(command, context));
      if (options.json) context.output.printJson(busStatusJson(found));
      else show(found, context.output);
      if (found.health.overallStatus !== "HEALTHY") process.exitCode = 3;
    });
}
