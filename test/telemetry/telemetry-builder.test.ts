import { describe, expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { CollectedEvent } from "../../src/core/event.ts";
import { type DeviceTelemetry, DeviceTelemetrySchema } from "../../src/gen/universal_telemetry_pb.ts";
import { type DeviceFacts, type MetricOptions, TelemetryBuilder } from "../../src/telemetry/index.ts";

const facts: DeviceFacts = { deviceId: "core-1", deviceType: "NETWORK", protocol: "SNMP", collector: "snmp" };
const tsNs = 1_763_000_000_123_000_000n;

function decode(events: readonly CollectedEvent[]): DeviceTelemetry[] {
  return events.map(({ payload }) => fromBinary(DeviceTelemetrySchema, payload));
}

/** A step of a builder, and the event that it stands for. */
interface Step {
  apply(builder: TelemetryBuilder): void;
  readonly event: NonNullable<MessageInitShape<typeof DeviceTelemetrySchema>["events"]>[number];
}

// any UTF-16, lone surrogates too; texts as long as any that is told
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 10 }).map((codes) => String.fromCharCode(...codes)),
  fc.integer({ min: 100, max: 3000 }).map((length) => "ä€a".repeat(length / 3)),
);
const labels = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  text,
  { maxKeys: 4, noNullPrototype: true },
);
const severity = fc.constantFrom("INFO", "WARN", "ERROR", "CRITICAL");

const metric: fc.Arbitrary<Step> = fc
  .record({
    name: text,
    value: fc.double(),
    unit: text,
    type: fc.constantFrom<NonNullable<MetricOptions["type"]>[]>("GAUGE", "COUNTER", "HISTOGRAM", "SUMMARY"),
    labels,
    severity,
  })
  .map(({ name, value, unit, ...options }) => ({
    apply: (builder) => void builder.metric(name, value, unit, options),
    event: {
      eventType: "METRIC",
      severity: options.severity,
      metricData: {
        metricName: name,
        metricType: options.type,
        numericValue: value,
        unit,
        labels: { ...options.labels },
      },
    },
  }));

const histogram: fc.Arbitrary<Step> = fc
  .record({
    name: text,
    sum: fc.double(),
    min: fc.double(),
    max: fc.double(),
    avg: fc.double(),
    count: fc.maxSafeNat(),
  })
  .map(({ name, sum, ...samples }) => ({
    apply: (builder) => void builder.histogram(name, sum, "s", samples, { le: "1" }),
    event: {
      eventType: "METRIC",
      severity: "INFO",
      metricData: {
        metricName: name,
        metricType: "HISTOGRAM",
        numericValue: sum,
        unit: "s",
        labels: { le: "1" },
        minValue: samples.min,
        maxValue: samples.max,
        avgValue: samples.avg,
        sampleCount: BigInt(samples.count),
      },
    },
  }));

const other: fc.Arbitrary<Step> = fc.tuple(text, severity, labels, fc.nat(2)).map(([value, level, more, kind]) => {
  if (kind === 0) {
    return {
      apply: (builder) => void builder.text("t", value, more),
      event: {
        eventType: "METRIC",
        severity: "INFO",
        metricData: { metricName: "t", metricType: "GAUGE", stringValue: value, labels: { ...more } },
      },
    };
  }
  if (kind === 1) {
    return {
      apply: (builder) => void builder.change(value, "ONLINE", undefined, level),
      event: {
        eventType: "STATUS",
        severity: level,
        statusData: { componentName: value, status: "ONLINE", statusChangeTimeNs: tsNs },
      },
    };
  }
  return {
    apply: (builder) => void builder.security(level, { targetResource: value }, more),
    event: {
      eventType: "SECURITY",
      severity: level,
      securityEvent: { targetResource: value },
      attributes: { ...more },
    },
  };
});

const steps = fc.array(fc.oneof({ weight: 3, arbitrary: metric }, histogram, other), { maxLength: 25 });

/** What protobuf-es writes for those events, with the ids that the builder gave. */
function expected(device: DeviceFacts, told: readonly Step["event"][], ids: readonly string[]): Uint8Array {
  const { collector, intervalMs, ...envelope } = device;
  const stamp = { eventTimestampNs: tsNs, sourceComponent: collector };
  const message = create(DeviceTelemetrySchema, {
    ...envelope,
    timestampNs: tsNs,
    collectionAgent: collector,
    ...(intervalMs === undefined ? {} : { collectionIntervalMs: BigInt(intervalMs) }),
    events: told.map((event, i) => ({ ...stamp, ...event, eventId: ids[i] as string })),
  });
  return toBinary(DeviceTelemetrySchema, message);
}

describe("a telemetry builder", () => {
  test("writes what protobuf-es writes, byte for byte, packed as full as the limit allows", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 9000 }), fc.boolean(), (told, bytesMax, isRich) => {
        const more = { metadata: { ipAddress: "10.0.0.1", customProperties: { a: "b" } }, intervalMs: 60_000 };
        const device = isRich ? { ...facts, ...more } : facts;
        const builder = new TelemetryBuilder(device, tsNs, bytesMax);
        for (const { apply } of told) apply(builder);
        const events = builder.build();
        let from = 0;
        for (const [i, { events: inside }] of decode(events).entries()) {
          const ids = inside.map(({ eventId }) => eventId);
          const here = told.slice(from, from + inside.length).map(({ event }) => event);
          const payload = expected(device, here, ids);
          expect(Buffer.compare(events[i]?.payload as Uint8Array, payload)).toBe(0);
          if (inside.length > 1) expect(payload.length).toBeLessThanOrEqual(bytesMax);
          from += inside.length;
          const next = told[from];
          if (!next) continue;
          const fuller = expected(device, [...here, next.event], [...ids, ids[0]?.replace(/-\d+$/, "-1") ?? ""]);
          expect(fuller.length).toBeGreaterThan(bytesMax - 20);
        }
        expect([from, builder.size]).toEqual([told.length, told.length]);
      }),
      { numRuns: 300 },
    );
  });

  test("without an event is one payload that says who was seen", () => {
    expect(decode(new TelemetryBuilder(facts, tsNs).build())).toMatchObject([{ deviceId: "core-1", events: [] }]);
  });

  test("what is taken while it is told, and the rest, are the whole, once", () => {
    const builder = new TelemetryBuilder(facts, tsNs, 2000);
    const taken: CollectedEvent[] = [];
    for (let i = 0; i < 200; i += 1) taken.push(...builder.metric("m", i, "1").takeFull());
    expect(taken.length).toBeGreaterThan(3);
    const values = decode([...taken, ...builder.build()]).flatMap(({ events }) => events);
    expect(values.map(({ metricData }) => metricData?.numericValue)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(builder.build()).toEqual([]);
  });

  test("no two events have one id, although devices share a name and are told in one millisecond", () => {
    const events = Array.from({ length: 3 }, () => new TelemetryBuilder(facts, tsNs).metric("m", 1, "1").build());
    const ids = decode(events.flat()).flatMap(({ events: inside }) => inside.map(({ eventId }) => eventId));
    expect(new Set(ids).size).toBe(3);
  });

  test("a change says what it was, and a new one nothing", () => {
    const builder = new TelemetryBuilder(facts, tsNs);
    builder.change("bus", "OFFLINE", "ONLINE", "WARN").change("bus", "ONLINE", undefined);
    const told = decode(builder.build()).flatMap(({ events }) => events);
    expect(told).toMatchObject([
      {
        severity: "WARN",
        statusData: { componentName: "bus", status: "OFFLINE", previousStatus: "ONLINE", statusChangeTimeNs: tsNs },
      },
      { severity: "INFO", statusData: { status: "ONLINE", previousStatus: "" } },
    ]);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 64])("a distribution of %p samples is none", (count) => {
    const builder = new TelemetryBuilder(facts, tsNs);
    expect(() => builder.histogram("h", 1, "s", { count, min: 0, max: 1, avg: 1 }, {})).toThrow(RangeError);
  });

  test("150,000 metrics are built in one go, each encoded once", () => {
    const startedMs = performance.now();
    const builder = new TelemetryBuilder(facts, tsNs);
    for (let i = 0; i < 150_000; i += 1) builder.metric("m", i, "1", { labels: { index: String(i), direction: "in" } });
    const payloads = builder.build().length;
    expect(payloads).toBeGreaterThan(100);
    // it was eight seconds when each level of a division encoded all events again
    expect(performance.now() - startedMs).toBeLessThan(3000);
  });
});
