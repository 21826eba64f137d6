import { Command } from "commander";
import { systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { ControlCommand } from "../roles/control-socket.ts";
import type { RoleStatus } from "../roles/role-status.ts";
import { type CliContext, configSource } from "./context.ts";

const downMsMax = 30_000;

async function ask(context: CliContext, command: Command, request: ControlCommand, role?: string) {
  const { dataPlace } = await import("../roles/data-place.ts");
  const { askUp } = await import("../roles/control-socket.ts");
  const source = configSource(command, context);
  const { dataDir } = dataPlace(source);
  const answer = await askUp(dataDir, { command: request, role });
  if (answer) return answer;
  throw new AmoskysError("unreachable", `amoskys up does not run in ${source.home}`, { hint: "amoskys up" });
}

async function show(context: CliContext, roles: readonly RoleStatus[], json: boolean): Promise<void> {
  const { output } = context;
  if (json) return output.printJson({ roles });
  const { roleTable } = await import("./role-table.ts");
  output.print(roleTable(roles, output.colour, systemClock.wallMs()));
}

/** Waits until the process has gone, so that what follows `down` can rely on it. */
async function untilGone(pid: number): Promise<void> {
  const giveUpMs = systemClock.monotonicMs() + downMsMax;
  while (systemClock.monotonicMs() < giveUpMs) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await Bun.sleep(50);
  }
  throw new AmoskysError("timeout", `amoskys up (pid ${pid}) has not ended within ${downMsMax / 1000} s`, {
    hint: `kill -9 ${pid}`,
  });
}

/** `amoskys down`. */
export function downCommand(context: CliContext): Command {
  return new Command("down")
    .description("end the running up: agents drain first, then the bus")
    .addHelpText("after", "\nExample:\n  amoskys down\n\nExit status: 0 all has ended, 13 nothing runs here")
    .action(async (_options: object, command: Command) => {
      const { pid } = await ask(context, command, "down");
      await untilGone(pid);
    });
}

/** `amoskys start|stop|restart`. */
export function roleCommand(context: CliContext, verb: "start" | "stop" | "restart", description: string): Command {
  const argument = verb === "restart" ? "[role]" : "<role>";
  return new Command(verb)
    .description(description)
    .argument(argument, "bus, flow, ...")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      `\nExample:\n  amoskys ${verb} flow\n\nExit status: 0 done, 2 no such role, 13 up does not run`,
    )
    .action(async (role: string | undefined, options: { json?: boolean }, command: Command) => {
      const { roles } = await ask(context, command, verb, role);
      await show(context, roles, options.json === true);
    });
}

/** `amoskys status`: of the running up, or of roles that were started by hand. */
export function statusCommand(context: CliContext): Command {
  return new Command("status")
    .description("show the roles of this home: state, pid, uptime, rates, backlog, last ack, processor, memory")
    .option("--json", "one JSON document")
    .addHelpText(
      "after",
      `
EVENTS are those since the start, and a second over the last minute. CPU is percent of one processor over the last
minute, MEMORY what is resident; behind the stroke is an agent's budget (NAME.budget of the configuration).

Example:
  amoskys status --json

Exit status: 0 all is healthy, 3 not all, 13 nothing runs`,
    )
    .action(async (options: { json?: boolean }, command: Command) => {
      const { homeStatus } = await import("../roles/home-status.ts");
      const roles = await homeStatus(configSource(command, context));
      await show(context, roles, options.json === true);
      if (roles.some(({ state }) => state !== "healthy" && state !== "stopped")) process.exitCode = 3;
    });
}
