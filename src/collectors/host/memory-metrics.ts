import type { TelemetryBuilder } from "../../telemetry/index.ts";
import type { HostSample } from "./host-sample.ts";

/** Names of /proc/meminfo (proc_meminfo(5)) and ours. */
const memoryNames = [
  ["MemTotal", "host.memory.total"],
  ["MemFree", "host.memory.free"],
  ["MemAvailable", "host.memory.available"],
  ["Buffers", "host.memory.buffers"],
  ["Cached", "host.memory.cached"],
  ["Shmem", "host.memory.shared"],
  ["Active", "host.memory.active"],
  ["Inactive", "host.memory.inactive"],
  ["AnonPages", "host.memory.anonymous"],
  ["Mapped", "host.memory.mapped"],
  ["Slab", "host.memory.slab"],
  ["SReclaimable", "host.memory.slab_reclaimable"],
  ["SUnreclaim", "host.memory.slab_unreclaimable"],
  ["KernelStack", "host.memory.kernel_stack"],
  ["PageTables", "host.memory.page_tables"],
  ["Dirty", "host.memory.dirty"],
  ["Writeback", "host.memory.writeback"],
  ["Mlocked", "host.memory.locked"],
  ["Committed_AS", "host.memory.committed"],
  ["CommitLimit", "host.memory.commit_limit"],
  ["HardwareCorrupted", "host.memory.corrupted"],
  ["SwapTotal", "host.swap.total"],
  ["SwapFree", "host.swap.free"],
  ["SwapCached", "host.swap.cached"],
] as const;

/** Names of /proc/vmstat and ours: totals since boot. */
const virtualMemoryNames = [
  ["pgfault", "host.memory.page_faults"],
  ["pgmajfault", "host.memory.major_page_faults"],
  ["pswpin", "host.swap.pages_in"],
  ["pswpout", "host.swap.pages_out"],
  ["oom_kill", "host.memory.oom_kills"],
] as const;

/** Bytes that are in use: all but what a new program could have. Kernels before 3.14 do not say it. */
function usedBytes(memory: ReadonlyMap<string, number>): number | undefined {
  const [total, available] = [memory.get("MemTotal"), memory.get("MemAvailable")];
  return total === undefined || available === undefined ? undefined : total - available;
}

/** Percent of the memory in use; undefined where the kernel does not say it. */
export function usedPercent(memory: ReadonlyMap<string, number>): number | undefined {
  const [total, used] = [memory.get("MemTotal"), usedBytes(memory)];
  return !total || used === undefined ? undefined : (used / total) * 100;
}

/** Memory and swap. */
export function addMemoryMetrics(builder: TelemetryBuilder, { memory, virtualMemory }: HostSample): void {
  for (const [name, ours] of memoryNames) {
    const value = memory.get(name);
    if (value !== undefined) builder.metric(ours, value, "bytes");
  }
  const used = usedBytes(memory);
  if (used !== undefined) builder.metric("host.memory.used", used, "bytes");
  const percent = usedPercent(memory);
  if (percent !== undefined) builder.metric("host.memory.used_percent", percent, "percent");
  const [swapTotal, swapFree] = [memory.get("SwapTotal"), memory.get("SwapFree")];
  if (swapTotal !== undefined && swapFree !== undefined) {
    builder.metric("host.swap.used", swapTotal - swapFree, "bytes");
  }
  for (const [name, ours] of virtualMemoryNames) {
    const value = virtualMemory.get(name);
    if (value !== undefined) builder.metric(ours, value, "1", { type: "COUNTER" });
  }
}
