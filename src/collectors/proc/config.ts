import { z } from "zod";

const patterns = z.array(z.string().min(1).max(256)).max(256).default([]);
const pids = z.array(z.int().positive()).max(1024).default([]);

/** The section `proc` of the configuration. A name pattern has `*` and `?`; it is held against name, file and path. */
export const procConfigSchema = z.strictObject({
  /** Seconds from round to round; what lives shorter than that is not seen. */
  interval_s: z.number().min(0.1).max(86_400).default(5),
  /** Where the kernel's /proc is mounted. */
  proc_root: z.string().min(1).default("/proc"),
  /** Processes looked at: those of these names or pids; all where both are empty. */
  include_names: patterns,
  include_pids: pids,
  /** Exceptions from the ones above. */
  exclude_names: patterns,
  exclude_pids: pids,
  /** Share of the processes looked at; which they are depends on the process alone. */
  sample_rate: z.number().min(0).max(1).default(1),
  /** Processes with metrics; where both are empty, the `top` ones by CPU and the `top` ones by memory. */
  monitor_names: patterns,
  monitor_pids: pids,
  top: z.int().min(0).max(100).default(10),
  /** Longer command lines are cut, with a mark as their last argument. */
  args_bytes_max: z.int().min(256).max(65_536).default(4096),
});

export type ProcConfig = z.infer<typeof procConfigSchema>;
