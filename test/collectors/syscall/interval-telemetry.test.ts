import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type CallFigures, emptyFigures } from "../../../src/collectors/syscall/decode.ts";
import { bucketLabels, intervalTelemetry, shortfallOf } from "../../../src/collectors/syscall/interval-telemetry.ts";
import { bucketCount } from "../../../src/collectors/syscall/layout.ts";
import { decodePayload } from "../../../src/envelope/index.ts";
import { DeviceTelemetrySchema } from "../../../src/gen/universal_telemetry_pb.ts";

const device = {
  deviceId: "here",
  deviceType: "ENDPOINT",
  protocol: "BPF",
  collector: "syscall",
  intervalMs: 1234.4,
} as const;

function figuresOf(buckets: Readonly<Record<number, number>>, more: Partial<CallFigures> = {}): CallFigures {
  const figures = emptyFigures();
  for (const [bucket, count] of Object.entries(buckets)) {
    figures.buckets[Number(bucket)] = count;
    figures.measured += count;
  }
  return { ...figures, calls: figures.measured, ...more };
}

function reportOf(top: number, figures: CallFigures) {
  return {
    device,
    nowNs: 1_700_000_000_000_000_000n,
    figures: {
      top: Array.from({ length: top }, (_, i) => ({
        process: 100 + i,
        slot: 0,
        name: "dd",
        startNs: BigInt(i),
        firstNs: 1,
        figures,
      })),
      bySlot: new Map([[0, figures]]),
      all: figures,
      pairs: top,
      processes: top,
    },
    missing: { unattributed: 4, uncounted: 3, lostExecs: 1 },
    execs: 2,
    entityId: (process: number, startNs: bigint) => `${process}-${startNs}`,
  };
}

describe("bucketLabels", () => {
  test("counts up from the first bucket with calls to the last", () => {
    expect(bucketLabels(figuresOf({ 0: 1 }).buckets)).toEqual({ "le=2.56e-7": "1" });
    expect(bucketLabels(figuresOf({ 14: 2, 16: 5 }).buckets)).toEqual({
      "le=0.004194304": "2",
      "le=0.008388608": "2",
      "le=0.016777216": "7",
    });
    expect(bucketLabels(figuresOf({ [bucketCount - 1]: 1 }).buckets)).toEqual({ "le=+Inf": "1" });
    expect(bucketLabels(figuresOf({}).buckets)).toEqual({});
  });
});

describe("shortfallOf", () => {
  test("names what is nowhere, and not what is in the totals", () => {
    expect(shortfallOf({ unattributed: 4, uncounted: 0, lostExecs: 0 })).toEqual([]);
    expect(shortfallOf({ unattributed: 0, uncounted: 3, lostExecs: 1 })).toEqual([
      "3 calls were not counted",
      "1 executions found no room (syscall.ring_bytes)",
    ]);
  });
});

describe("intervalTelemetry", () => {
  test("says what was counted, with units, and that it is of this interval", () => {
    const figures = figuresOf({ 1: 4 }, { errors: 2, totalNs: 1600, minNs: 300, maxNs: 500, calls: 5 });
    const [event] = intervalTelemetry(reportOf(1, figures)).build();
    const telemetry = fromBinary(DeviceTelemetrySchema, event?.payload as Uint8Array);
    expect(telemetry).toMatchObject({ protocol: "BPF", collectionAgent: "syscall", collectionIntervalMs: 1234n });
    expect(telemetry.metadata?.customProperties).toEqual({ "syscall.temporality": "delta" });
    const metrics = telemetry.events.map(({ metricData }) => metricData);
    expect(metrics.every((metric) => metric !== undefined && metric.unit !== "")).toBe(true);
    expect(metrics.slice(0, 8).map((metric) => [metric?.metricName, metric?.numericValue])).toEqual([
      ["syscall.all.count", 5],
      ["syscall.all.errors", 2],
      ["syscall.all.unattributed", 4],
      ["syscall.all.uncounted", 3],
      ["syscall.all.processes", 1],
      ["syscall.all.pairs", 1],
      ["syscall.exec.count", 2],
      ["syscall.exec.lost", 1],
    ]);
    expect(metrics.slice(8, 11).map((metric) => metric?.metricName)).toEqual([
      "syscall.total.count",
      "syscall.total.errors",
      "syscall.total.latency",
    ]);
    const labels = { syscall: "read", pid: "100", name: "dd", entity_id: "100-0" };
    expect(metrics[11]).toMatchObject({ metricName: "syscall.count", metricType: "COUNTER", numericValue: 5, labels });
    expect(metrics[13]).toMatchObject({
      metricName: "syscall.latency",
      metricType: "HISTOGRAM",
      numericValue: 1600 / 1e9,
      unit: "s",
      minValue: 300 / 1e9,
      maxValue: 500 / 1e9,
      avgValue: 400 / 1e9,
      sampleCount: 4n,
      labels: { ...labels, "le=5.12e-7": "4" },
    });
  });

  test("calls without a duration have no latency", () => {
    const [event] = intervalTelemetry(reportOf(1, figuresOf({}, { calls: 3 }))).build();
    const { events } = fromBinary(DeviceTelemetrySchema, event?.payload as Uint8Array);
    expect(events.filter(({ metricData }) => metricData?.metricType === "HISTOGRAM")).toEqual([]);
  });

  test("the largest report that can be set is cut into events that every reader takes", () => {
    const everywhere = Object.fromEntries(Array.from({ length: bucketCount }, (_, i) => [i, 10 ** 12]));
    const events = intervalTelemetry(reportOf(1000, figuresOf(everywhere, { minNs: 1 }))).build();
    expect(events.length).toBeGreaterThan(5);
    expect(events.every(({ kind, payload }) => decodePayload(kind, payload).ok)).toBe(true);
  });
});
