import { type CpuTicks, ticksPerSecond } from "../../procfs/index.ts";
import type { TelemetryBuilder } from "../../telemetry/index.ts";
import { type HostInterval, shownModes, ticksOf } from "./host-sample.ts";

/** Percent of the time between two readings, by mode. idle and iowait may go back by a tick: that is no time. */
function percentages(before: CpuTicks, now: CpuTicks): ReadonlyMap<string, number> {
  const deltas = shownModes.map((mode) => [mode, Math.max(0, now[mode] - before[mode])] as const);
  const total = deltas.reduce((sum, [, ticks]) => sum + ticks, 0);
  return new Map(deltas.map(([mode, ticks]) => [mode, total > 0 ? (ticks / total) * 100 : 0]));
}

/** Percent of the time in which processors did anything, over the interval; undefined where no time has passed. */
export function busyPercent({ before, now }: HostInterval): number | undefined {
  if (ticksOf(now.stat.all) <= ticksOf(before.stat.all)) return undefined;
  const shares = percentages(before.stat.all, now.stat.all);
  return 100 - (shares.get("idle") ?? 0) - (shares.get("iowait") ?? 0);
}

/**
 * Processors: percent over the interval by mode, time since boot, frequency. Modes that were never used are left out.
 */
export function addCpuMetrics(builder: TelemetryBuilder, interval: HostInterval, perCore: boolean): void {
  const { before, now } = interval;
  const busy = busyPercent(interval);
  // the one name without `host.`: by it those who ask for processors of any device find a host as well
  if (busy !== undefined) builder.metric("cpu.total", busy, "percent");
  addPercentages(builder, "all", before.stat.all, now.stat.all);
  for (const mode of shownModes) {
    const labels = { mode };
    builder.metric("host.cpu.time", now.stat.all[mode] / ticksPerSecond, "s", { type: "COUNTER", labels });
  }
  builder.metric("host.cpu.count", now.stat.processors.size, "1");
  if (!perCore) return;
  for (const [processor, ticks] of now.stat.processors) {
    const earlier = before.stat.processors.get(processor);
    if (earlier) addPercentages(builder, String(processor), earlier, ticks);
  }
  for (const [processor, hz] of now.frequencies) {
    builder.metric("host.cpu.frequency", hz, "Hz", { labels: { cpu: String(processor) } });
  }
}

function addPercentages(builder: TelemetryBuilder, cpu: string, before: CpuTicks, now: CpuTicks): void {
  if (ticksOf(now) <= ticksOf(before)) return;
  for (const [mode, percent] of percentages(before, now)) {
    if (now[mode as keyof CpuTicks] > 0) builder.metric("host.cpu.used", percent, "percent", { labels: { cpu, mode } });
  }
}
