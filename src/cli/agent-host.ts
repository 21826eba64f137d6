import type { CollectorCommand } from "./collector-command.ts";

/** `amoskys agent host`. */
export const hostAgent: CollectorCommand = {
  name: "host",
  description: "this host: processors, load, memory, disks, file systems, interfaces",
  help: `
Percentages and rates are over the time since the round before. The first round, and the one of --once, takes two looks
one second apart.

Examples:
  amoskys agent host --print --once`,
  exits: { 14: "no /proc" },
};
