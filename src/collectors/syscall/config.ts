import { z } from "zod";

/** The section `syscall` of the configuration. */
export const syscallConfigSchema = z.strictObject({
  /** Seconds that one report covers. */
  interval_s: z.number().min(0.1).max(86_400).default(10),
  /** Pairs of process and system call with figures of their own; all others are in the totals. */
  top: z.int().min(0).max(1000).default(50),
  /** Which pairs come first: those with the most calls, errors, or time spent. */
  top_by: z.enum(["calls", "errors", "time"]).default("calls"),
  /**
   * Pairs that the kernel keeps in one interval; what finds no room is counted by system call alone. Each takes 384
   * bytes there, filled or not (key 8, value 328, and 48 of the hash map), and 336 here.
   */
  pairs_max: z.int().min(64).max(1_048_576).default(10_240),
  /** An event for each program that is executed, with its arguments. */
  exec_events: z.boolean().default(true),
  /** Longer arguments are cut, with a mark as the last one. */
  args_bytes_max: z.int().min(64).max(16_384).default(1024),
  /** Executions wait here for up to 100 ms; 4 MiB hold about 3000. A power of two. */
  ring_bytes: z
    .int()
    .min(1 << 16)
    .max(1 << 28)
    .refine((bytes) => Number.isInteger(Math.log2(bytes)), "is no power of two")
    .default(4 << 20),
  /** Leaves the agent's own system calls out. */
  exclude_own: z.boolean().default(true),
});

export type SyscallConfig = z.infer<typeof syscallConfigSchema>;
