import { type DeviceFacts, TelemetryBuilder } from "../../telemetry/index.ts";
import { type CallFigures, type IntervalFigures, syscallName } from "./decode.ts";
import { bucketCount, firstBucketPower } from "./layout.ts";
import type { Shortfall } from "./source.ts";

type Labels = Readonly<Record<string, string>>;

/** What one report is made of. */
export interface IntervalReport {
  readonly device: DeviceFacts;
  readonly nowNs: bigint;
  readonly figures: IntervalFigures;
  /** Of this interval. */
  readonly missing: Shortfall;
  /** Executions of this interval. */
  readonly execs: number;
  entityId(process: number, startNs: bigint): string;
}

/** Upper bound of a bucket in seconds, as text. */
function boundOf(bucket: number): string {
  return bucket === bucketCount - 1 ? "+Inf" : String(2 ** (firstBucketPower + bucket) / 1e9);
}

/** Labels `le=SECONDS` with the calls that took that long at most, from the first bucket with calls to the last. */
export function bucketLabels(buckets: readonly number[]): Labels {
  const labels: Record<string, string> = {};
  const last = buckets.findLastIndex((count) => count > 0);
  let sum = 0;
  for (let i = buckets.findIndex((count) => count > 0); i >= 0 && i <= last; i += 1) {
    sum += buckets[i] as number;
    labels[`le=${boundOf(i)}`] = String(sum);
  }
  return labels;
}

function addCalls(builder: TelemetryBuilder, prefix: string, figures: CallFigures, labels: Labels): void {
  const { calls, errors, measured, totalNs, minNs, maxNs, buckets } = figures;
  builder.metric(`${prefix}.count`, calls, "1", { type: "COUNTER", labels });
  builder.metric(`${prefix}.errors`, errors, "1", { type: "COUNTER", labels });
  if (measured === 0) return;
  const samples = { count: measured, min: minNs / 1e9, max: maxNs / 1e9, avg: totalNs / measured / 1e9 };
  builder.histogram(`${prefix}.latency`, totalNs / 1e9, "s", samples, { ...labels, ...bucketLabels(buckets) });
}

/** What an interval has nowhere, for a person; nothing where it has all. */
export function shortfallOf({ uncounted, lostExecs }: Shortfall): string[] {
  const found: string[] = [];
  if (uncounted > 0) found.push(`${uncounted} calls were not counted`);
  if (lostExecs > 0) found.push(`${lostExecs} executions found no room (syscall.ring_bytes)`);
  return found;
}

/** All counters are of this interval, not since the start: `custom_properties` of the device say so. */
export function intervalTelemetry(report: IntervalReport): TelemetryBuilder {
  const { device, nowNs, figures, missing, entityId } = report;
  const metadata = { customProperties: { "syscall.temporality": "delta" } };
  const builder = new TelemetryBuilder({ ...device, metadata }, nowNs);
  const counter = { type: "COUNTER" } as const;
  builder
    .metric("syscall.all.count", figures.all.calls, "1", counter)
    .metric("syscall.all.errors", figures.all.errors, "1", counter)
    .metric("syscall.all.unattributed", missing.unattributed, "1", counter)
    .metric("syscall.all.uncounted", missing.uncounted, "1", counter)
    .metric("syscall.all.processes", figures.processes, "1")
    .metric("syscall.all.pairs", figures.pairs, "1")
    .metric("syscall.exec.count", report.execs, "1", counter)
    .metric("syscall.exec.lost", missing.lostExecs, "1", counter);
  for (const [slot, sum] of [...figures.bySlot].sort(([a], [b]) => a - b)) {
    addCalls(builder, "syscall.total", sum, { syscall: syscallName(slot) });
  }
  for (const { slot, process, name, startNs, figures: calls } of figures.top) {
    const labels = { syscall: syscallName(slot), pid: String(process), name, entity_id: entityId(process, startNs) };
    addCalls(builder, "syscall", calls, labels);
  }
  return builder;
}
