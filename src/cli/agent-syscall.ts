import type { CollectorCommand } from "./collector-command.ts";

/** `amoskys agent syscall`. */
export const syscallAgent: CollectorCommand = {
  name: "syscall",
  description: "system calls by process (count, errors, latency), and every executed program, by eBPF",
  help: `
Each report covers syscall.interval_s seconds; its counters are of that time, not since the start. Executed programs
come as process events at once. Needs CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), x86-64, Linux 5.12 or newer with BTF.

Examples:
  amoskys agent syscall --print
  AMOSKYS_SYSCALL__INTERVAL_S=1 amoskys agent syscall --print --once`,
  exits: { 14: "no privilege or facility for eBPF" },
};
