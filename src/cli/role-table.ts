import type { ChalkInstance } from "chalk";
import Table from "cli-table3";
import { printable } from "../core/escape.ts";
import { formatBytes, formatDurationMs } from "../core/quantities.ts";
import type { RoleStatus } from "../roles/role-status.ts";

const borderless = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

function paint(state: RoleStatus["state"], colour: ChalkInstance): string {
  if (state === "healthy") return colour.green(state);
  if (state === "failed" || state === "unhealthy") return colour.red(state);
  return colour.yellow(state);
}

function rate(role: RoleStatus): string {
  if (role.events_total === undefined) return "";
  const perSecond = role.events_per_second;
  return perSecond === undefined ? `${role.events_total}` : `${role.events_total} (${perSecond.toFixed(1)}/s)`;
}

/** What a role uses of its host, of what it may. */
function cpu({ cpu_percent, budget }: RoleStatus): string {
  if (cpu_percent === undefined) return "";
  return `${cpu_percent}${budget ? `/${budget.cpu_percent}` : ""} %`;
}

function memory({ memory_bytes, budget }: RoleStatus): string {
  if (memory_bytes === undefined) return "";
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  return `${mebibytes(memory_bytes)}${budget ? `/${mebibytes(budget.memory_bytes)}` : ""} MiB`;
}

/** The table of `up` and `status`: one row a role, and below it what each says and what to do. */
export function roleTable(roles: readonly RoleStatus[], colour: ChalkInstance, nowMs: number): string {
  const table = new Table({
    head: ["ROLE", "STATE", "PID", "UPTIME", "EVENTS", "BACKLOG", "LAST ACK", "CPU", "MEMORY", "PORTS"].map((h) =>
      colour.bold(h),
    ),
    chars: borderless,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const role of roles) {
    table.push([
      role.role,
      paint(role.state, colour),
      role.pid ?? "",
      role.uptime_ms === undefined ? "" : formatDurationMs(role.uptime_ms),
      rate(role),
      role.backlog_bytes === undefined ? "" : formatBytes(role.backlog_bytes),
      role.last_ack_ms === undefined ? "" : `${formatDurationMs(Math.max(0, nowMs - role.last_ack_ms))} ago`,
      cpu(role),
      memory(role),
      [role.port, role.health_ports?.[0]].filter((port) => port !== undefined).join(" "),
    ]);
  }
  return [table.toString().replaceAll(/ +$/gm, ""), ...roles.flatMap(explain)].join("\n");
}

/** What a role says of itself, and what to do, each as a line of its own: they are longer than a cell. */
function explain({ role, message, hint, restarts }: RoleStatus): string[] {
  const again = restarts > 0 ? ` (started again ${restarts} ${restarts === 1 ? "time" : "times"})` : "";
  const lines = message === "" && again === "" ? [] : [`${role}: ${printable(message)}${again}`];
  return hint ? [...lines, `${role}: Try: ${printable(hint)}`] : lines;
}
