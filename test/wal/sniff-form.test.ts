import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EnvelopeSchema, FlowEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { UniversalEnvelopeSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { sniffForm } from "../../src/wal/sniff-form.ts";

const sig = new Uint8Array(64).fill(1);
const flow = create(FlowEventSchema, { srcIp: "10.0.0.1", dstPort: 53 });
const common = { version: "v1", tsNs: 5n, idempotencyKey: "k" };
const envelope = (fields: object) => toBinary(EnvelopeSchema, create(EnvelopeSchema, { ...common, ...fields }));
const universal = (fields: object) =>
  toBinary(UniversalEnvelopeSchema, create(UniversalEnvelopeSchema, { ...common, ...fields }));

test.each([
  ["a signed flow", envelope({ flow, sig, prevSig: sig }), { form: "envelope", kind: "flow", signed: true }],
  ["an unsigned flow", envelope({ flow }), { form: "envelope", kind: "flow", signed: false }],
  ["a signed payload", envelope({ payload: sig, sig }), { form: "envelope", kind: "device", signed: true }],
  ["nothing", envelope({}), { form: "envelope", kind: "flow", signed: false }],
  ["a universal flow", universal({ flow, sig }), { form: "universal", kind: "flow", signed: true }],
  [
    "a universal process",
    universal({ process: { pid: 7n }, sig }),
    { form: "universal", kind: "process", signed: true },
  ],
  ["an unsigned process", universal({ process: { pid: 7n } }), { form: "universal", kind: "process", signed: false }],
  [
    "a device",
    universal({ deviceTelemetry: { deviceId: "d" }, signingAlgorithm: "Ed25519" }),
    {
      form: "universal",
      kind: "device",
      signed: false,
    },
  ],
  ["a batch", universal({ telemetryBatch: {}, sig }), { form: "universal", kind: "batch", signed: true }],
] as const)("sniffForm knows %s", (_what, bytes, expected) => {
  expect(sniffForm(bytes)).toEqual(expected);
});

test("sniffForm answers for any bytes, cut ones too", () => {
  const whole = universal({ flow, sig });
  for (let length = 0; length <= whole.length; length += 1) sniffForm(whole.subarray(0, length));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(["envelope", "universal"]).toContain(sniffForm(bytes).form);
    }),
  );
});
