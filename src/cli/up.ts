import { Command } from "commander";
import { systemClock } from "../core/clock.ts";
import type { RoleStatus } from "../roles/role-status.ts";
import { type CliContext, configSource, listOption } from "./context.ts";

const clearBelow = "\u001b[J";
const footer = "Logs: data/logs. Ctrl-C drains and ends.";

/** Redraws the table in place on a terminal; elsewhere one JSON line for each role that changed its state. */
function createStatusView(context: CliContext): (roles: readonly RoleStatus[]) => Promise<void> {
  const { output } = context;
  let linesDrawn = 0;
  const known = new Map<string, string>();
  return async (roles) => {
    if (output.terminal) {
      const { roleTable } = await import("./role-table.ts");
      const text = `${roleTable(roles, output.colour, systemClock.wallMs())}\n${footer}`;
      // a line that wrapped would stay behind when the table is drawn again
      const lines = text.split("\n").map((line) => Bun.sliceAnsi(line, 0, output.columns - 1));
      output.write(`${linesDrawn > 0 ? `\u001b[${linesDrawn}F` : ""}${clearBelow}${lines.join("\n")}\n`);
      linesDrawn = lines.length;
      return;
    }
    for (const role of roles) {
      const state = `${role.state} ${role.activity} ${role.pid} ${role.state === "failed" ? role.message : ""}`;
      if (known.get(role.role) === state) continue;
      known.set(role.role, state);
      output.printJson({ time: new Date(systemClock.wallMs()).toISOString(), ...role });
    }
  };
}

/** `amoskys up`: everything on this host, with one command. */
export function upCommand(context: CliContext): Command {
  return new Command("up")
    .description("prepare what is missing, then run the bus and the agents of this home until Ctrl-C")
    .option("--roles <a,b>", "roles to run instead of those of the configuration", listOption)
    .option("--iface <if>", "interface for the flow agent; may be given again", listOption)
    .addHelpText(
      "after",
      `
A terminal shows a live table; elsewhere every change is one JSON line. The first Ctrl-C drains, the second
interrupts. Logs are in HOME/data/logs.

Example:
  amoskys up --home /var/lib/amoskys --roles bus,flow

Exit status: 0 ended as asked, 10 config, 11 up runs here already, 12 identity incomplete, 130 interrupted`,
    )
    .action(async (options: { roles?: string[]; iface?: string[] }, command: Command) => {
      const { runUp } = await import("../roles/up.ts");
      const view = createStatusView(context);
      await runUp({
        source: configSource(command, context),
        roles: options.roles,
        interfaces: options.iface ?? [],
        onPrepared: (lines) => {
          for (const line of lines) context.output.note(line);
        },
        onStatus: view,
      });
    });
}
