import type { CollectorCommand } from "./collector-command.ts";

/** `amoskys agent proc`. */
export const procAgent: CollectorCommand = {
  name: "proc",
  description: "processes: which there are, start, execute and end, and what the largest ones use",
  help: `
Looks at every process each proc.interval_s seconds; what lives shorter is not seen. CPU is percent of one processor
over the interval, and of a process met for the first time over its life, as with ps. --once tells what is there.

Examples:
  amoskys agent proc --print --once
  AMOSKYS_PROC__INTERVAL_S=1 amoskys agent proc --print`,
  exits: { 14: "no /proc" },
};
