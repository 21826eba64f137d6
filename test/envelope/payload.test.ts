import { describe, expect, test } from "bun:test";
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { recordKinds } from "../../src/core/event.ts";
import { decodePayload, envelopeBytesMax, payloadJson } from "../../src/envelope/index.ts";
import { FlowEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { DeviceTelemetrySchema, UniversalEnvelopeSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { encode, madeEnvelope, universalType } from "./universal-arbitrary.ts";
import { bytesField, contentOf, joinFields, rawField, splitFields } from "./wire.ts";

const payloadNumbers = { flow: 4, process: 5, device: 6, batch: 7, loss: 103, parked: 105 } as const;

describe("decodePayload", () => {
  test("reads what another implementation wrote, of every kind", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(madeEnvelope, (made) => {
        kinds.add(made.kind);
        const number = payloadNumbers[made.kind as keyof typeof payloadNumbers];
        const payload = contentOf(splitFields(encode(made)).find((field) => field.number === number));
        const result = decodePayload(made.kind as "flow", payload);
        expect(result.ok).toBe(true);
      }),
      { seed: 5, numRuns: 200 },
    );
    expect([...kinds].sort()).toEqual([...recordKinds].sort());
  });

  test("gives protobuf's JSON: 64-bit integers as strings, defaults left out", () => {
    const flow = create(FlowEventSchema, { srcIp: "10.0.0.1", dstPort: 443, bytesTx: 2n ** 63n, startTime: 1n });
    const result = decodePayload("flow", toBinary(FlowEventSchema, flow));
    if (!result.ok) throw new Error(result.reason);
    expect(payloadJson(result.payload)).toEqual({
      srcIp: "10.0.0.1",
      dstPort: 443,
      bytesTx: "9223372036854775808",
      startTime: "1",
    });
  });

  test("tells a metric's value of 0, and invents none beside a text", () => {
    const events = [{ metricName: "a", unit: "1" }, { metricName: "b", stringValue: "x" }, { numericValue: 3 }];
    const telemetry = { events: [...events.map((metricData) => ({ metricData })), { eventId: "status" }] };
    const bytes = toBinary(DeviceTelemetrySchema, create(DeviceTelemetrySchema, telemetry));
    const result = decodePayload("device", bytes);
    if (!result.ok) throw new Error(result.reason);
    expect(payloadJson(result.payload)).toEqual({
      events: [
        { metricData: { metricName: "a", unit: "1", numericValue: 0 } },
        { metricData: { metricName: "b", stringValue: "x" } },
        { metricData: { numericValue: 3 } },
        { eventId: "status" },
      ],
    });
  });

  test("maps in another order give the same event", () => {
    const entries = Object.entries({ a: "1", b: "2", c: "3" });
    const decoded = [entries, entries.toReversed()].map((order) => {
      const device = { metadata: { capabilities: Object.fromEntries(order) } };
      const bytes = universalType.encode({ device_telemetry: device }).finish();
      const result = decodePayload("device", contentOf(splitFields(new Uint8Array(bytes))[0]));
      return result.ok ? payloadJson(result.payload) : undefined;
    });
    expect(decoded[0]).toEqual({ metadata: { capabilities: { a: "1", b: "2", c: "3" } } });
    expect(decoded[1]).toEqual(decoded[0]);
  });

  test("size has a limit", () => {
    const sized = (length: number) => bytesField(1, new Uint8Array(length).fill(120)).bytes;
    expect(sized(envelopeBytesMax - 4).length).toBe(envelopeBytesMax);
    expect(decodePayload("flow", sized(envelopeBytesMax - 4)).ok).toBe(true);
    expect(decodePayload("flow", sized(envelopeBytesMax - 3))).toMatchObject({ ok: false, fault: "too_large" });
  });

  test("the count of elements has a limit, also where they are nested", () => {
    const events = (count: number) =>
      toBinary(
        DeviceTelemetrySchema,
        create(DeviceTelemetrySchema, { events: Array.from({ length: count }, () => ({})) }),
      );
    expect(decodePayload("device", events(16_384)).ok).toBe(true);
    expect(decodePayload("device", events(16_385))).toMatchObject({ ok: false, fault: "undecodable" });
    const record = bytesField(1, events(6_000)).bytes;
    const batch = Buffer.concat([record, record, record]);
    expect(batch.length).toBeLessThan(envelopeBytesMax);
    expect(decodePayload("batch", batch)).toMatchObject({ ok: false, reason: expect.stringContaining("elements") });
  });

  test("no known type contains itself, so that depth is bounded by the types", () => {
    const depthOf = (schema: DescMessage, above: readonly DescMessage[]): number => {
      expect(above).not.toContain(schema);
      const inner = schema.fields.flatMap((field) => (field.message ? [field.message] : []));
      return 1 + Math.max(0, ...inner.map((message) => depthOf(message, [...above, schema])));
    };
    expect(depthOf(UniversalEnvelopeSchema, [])).toBe(6);
  });

  test("groups, truncations and garbage are undecodable, never an exception", () => {
    const group = new Uint8Array(60_000).fill(0x9b, 0, 60_000);
    expect(decodePayload("flow", group)).toMatchObject({ ok: false, fault: "undecodable" });
    const whole = joinFields([bytesField(1, Buffer.from("10.0.0.1")), rawField(3, 0, Uint8Array.of(80))]);
    for (let length = 1; length < whole.length; length += 1) {
      const cut = decodePayload("flow", whole.subarray(0, length));
      expect(cut.ok).toBe(length === 10);
    }
    expect(decodePayload("flow", bytesField(1, Uint8Array.of(0xff, 0xfe)).bytes)).toMatchObject({ ok: false });
    fc.assert(
      fc.property(fc.constantFrom(...recordKinds), fc.uint8Array({ maxLength: 100 }), (kind, bytes) => {
        const result = decodePayload(kind, bytes);
        if (result.ok) payloadJson(result.payload);
      }),
      { seed: 6, numRuns: 2000 },
    );
  });
});
