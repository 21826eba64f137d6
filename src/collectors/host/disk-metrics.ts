import type { DiskStats } from "../../procfs/index.ts";
import type { TelemetryBuilder } from "../../telemetry/index.ts";
import { countersDelta } from "./counter-delta.ts";
import type { HostInterval } from "./host-sample.ts";

/** Column of a disk's counters, our name, its unit, and what one of it is in that unit. */
const counters = [
  ["reads", "host.disk.reads", "1", 1],
  ["readsMerged", "host.disk.reads_merged", "1", 1],
  ["readMs", "host.disk.read_time", "s", 1000],
  ["writes", "host.disk.writes", "1", 1],
  ["writesMerged", "host.disk.writes_merged", "1", 1],
  ["writeMs", "host.disk.write_time", "s", 1000],
  ["busyMs", "host.disk.busy_time", "s", 1000],
  ["weightedMs", "host.disk.weighted_time", "s", 1000],
  ["discards", "host.disk.discards", "1", 1],
  ["discardsMerged", "host.disk.discards_merged", "1", 1],
  ["discardMs", "host.disk.discard_time", "s", 1000],
  ["flushes", "host.disk.flushes", "1", 1],
  ["flushMs", "host.disk.flush_time", "s", 1000],
] as const;

/** Disks: totals since boot, and per second over the interval. */
export function addDiskMetrics(builder: TelemetryBuilder, { before, now, seconds }: HostInterval): void {
  const earlier = new Map(before.disks.map((disk) => [disk.name, disk]));
  for (const disk of now.disks) {
    addTotals(builder, disk);
    const then = earlier.get(disk.name);
    if (then && seconds > 0) addRates(builder, then, disk, seconds);
  }
}

function addTotals(builder: TelemetryBuilder, disk: DiskStats): void {
  const labels = { disk: disk.name };
  builder.metric("host.disk.read_bytes", Number(disk.readBytes), "bytes", { type: "COUNTER", labels });
  builder.metric("host.disk.written_bytes", Number(disk.writtenBytes), "bytes", { type: "COUNTER", labels });
  for (const [column, name, unit, divisor] of counters) {
    const value = disk.counters[column];
    if (value !== undefined) builder.metric(name, Number(value) / divisor, unit, { type: "COUNTER", labels });
  }
  const { inFlight } = disk.counters;
  if (inFlight !== undefined) builder.metric("host.disk.in_flight", Number(inFlight), "1", { labels });
}

function addRates(builder: TelemetryBuilder, before: DiskStats, now: DiskStats, seconds: number): void {
  const labels = { disk: now.name };
  const { inFlight: _before, ...from } = before.counters;
  const { inFlight: _now, ...to } = now.counters;
  const delta = countersDelta(
    { ...from, readBytes: before.readBytes, writtenBytes: before.writtenBytes },
    { ...to, readBytes: now.readBytes, writtenBytes: now.writtenBytes },
  );
  const rate = (count: bigint | undefined) => Number(count ?? 0n) / seconds;
  builder
    .metric("host.disk.read_bytes.rate", rate(delta.readBytes), "bytes/s", { labels })
    .metric("host.disk.written_bytes.rate", rate(delta.writtenBytes), "bytes/s", { labels })
    .metric("host.disk.reads.rate", rate(delta.reads), "1/s", { labels })
    .metric("host.disk.writes.rate", rate(delta.writes), "1/s", { labels })
    .metric("host.disk.busy", Math.min(100, rate(delta.busyMs) / 10), "percent", { labels });
}
