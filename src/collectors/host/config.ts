import { z } from "zod";

const patterns = z.array(z.string().min(1).max(256)).max(256);

/** The section `host` of the configuration. A name pattern has `*` and `?`. */
export const hostConfigSchema = z.strictObject({
  /** Seconds from round to round; percentages and rates are over that time. */
  interval_s: z.number().min(1).max(86_400).default(10),
  /** Where the kernel's /proc and /sys are mounted. */
  proc_root: z.string().min(1).default("/proc"),
  sys_root: z.string().min(1).default("/sys"),
  /** Percentages of each processor beside those of all. */
  per_core: z.boolean().default(true),
  /** Interfaces, disks and mount points left out. */
  exclude_interfaces: patterns.default(["veth*"]),
  exclude_disks: patterns.default([]),
  exclude_mounts: patterns.default([]),
  /** File systems of other hosts too; one that does not answer is left out of the round. */
  network_file_systems: z.boolean().default(false),
});

export type HostConfig = z.infer<typeof hostConfigSchema>;
