import type { Command } from "commander";
import { collectorCommand } from "./collector-command.ts";
import type { CliContext } from "./context.ts";

/** `amoskys agent host`. */
export function agentHostCommand(context: CliContext): Command {
  return collectorCommand(context, {
    name: "host",
    description: "this host: processors, load, memory, disks, file systems, interfaces",
    help: `
Percentages and rates are over the time since the round before. The first round, and the one of --once, takes two looks
one second apart.

Examples:
  amoskys agent host --print --once`,
    exits: { 14: "no /proc" },
  });
}
