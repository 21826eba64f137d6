import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { decodePayload, envelopeBytesMax, scanFlowEnvelope } from "../../src/envelope/index.ts";
import { flowEnvelopeType, long } from "./universal-arbitrary.ts";
import { bytesField, joinFields, overlong, rawField, splitFields, varint } from "./wire.ts";

const message = {
  version: "v1",
  ts_ns: long(123_456_789n),
  idempotency_key: "abc",
  flow: { src_ip: "1.1.1.1", dst_ip: "8.8.8.8", bytes_sent: long(10n) },
  sig: new Uint8Array(64).fill(1),
  prev_sig: new Uint8Array(64).fill(2),
};
const encode = (changes: object = {}) => new Uint8Array(flowEnvelopeType.encode({ ...message, ...changes }).finish());

function factsOf(bytes: Uint8Array) {
  const scan = scanFlowEnvelope(bytes);
  if (!scan.ok) throw new Error(scan.reason);
  return scan.facts;
}

describe("scanFlowEnvelope", () => {
  test("gives the facts, and the bytes that the signature covers", () => {
    const facts = factsOf(encode());
    expect(facts).toMatchObject({
      version: "v1",
      tsNs: 123_456_789n,
      key: "abc",
      sig: message.sig,
      prevSig: message.prev_sig,
    });
    expect(facts.signedBytes()).toEqual(encode({ sig: undefined, prev_sig: undefined }));
    expect(facts.judgedBytes()).toEqual(encode({ sig: undefined }));
  });

  test("the payload in place of the flow is not signed, but judged", () => {
    const facts = factsOf(encode({ flow: undefined, payload: Uint8Array.of(1, 2) }));
    expect(facts.flow).toBeUndefined();
    expect(facts.payload).toEqual(Uint8Array.of(1, 2));
    expect(facts.signedBytes()).toEqual(encode({ flow: undefined, sig: undefined, prev_sig: undefined }));
    expect(facts.judgedBytes()).toEqual(encode({ flow: undefined, sig: undefined, payload: Uint8Array.of(1, 2) }));
  });

  test("signed bytes are cut from what was received, whatever its form", () => {
    const fields = splitFields(encode());
    const odd = fields.with(1, rawField(2, 0, overlong(varint(5))));
    expect(factsOf(joinFields(odd)).signedBytes()).toEqual(joinFields(odd.slice(0, 4)));
    expect(factsOf(joinFields(fields.toReversed())).signedBytes()).toEqual(joinFields(fields.slice(0, 4).toReversed()));
  });

  test("an empty signature is none", () => {
    expect(
      factsOf(joinFields([...splitFields(encode({ sig: undefined })), bytesField(5, new Uint8Array())])).sig,
    ).toBeUndefined();
  });

  test.each([
    ["neither flow nor payload", encode({ flow: undefined }), "missing"],
    ["a field twice", joinFields([...splitFields(encode()), ...splitFields(encode()).slice(2, 3)]), "non_canonical"],
    ["another wire type", joinFields(splitFields(encode()).with(1, bytesField(2, Uint8Array.of(1)))), "non_canonical"],
    [
      "a key that is no UTF-8",
      joinFields(splitFields(encode()).with(2, bytesField(3, Uint8Array.of(0xff)))),
      "undecodable",
    ],
    ["a stamp that no log can hold", encode({ ts_ns: long(2n ** 63n) }), "undecodable"],
    ["a value cut off", encode().subarray(0, -1), "undecodable"],
    ["too many bytes", encode({ payload: new Uint8Array(envelopeBytesMax) }), "too_large"],
  ])("%s is refused", (_name, bytes, fault) => {
    expect(scanFlowEnvelope(bytes)).toMatchObject({ ok: false, fault });
  });

  test("missing says the word that old clients look for", () => {
    expect(scanFlowEnvelope(new Uint8Array())).toMatchObject({ reason: expect.stringContaining("missing") });
  });

  test("garbage gives a fault, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        scanFlowEnvelope(bytes);
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  const golden = join(process.env.AMOSKYS_CORPORA ?? "", "old-files/envelope_v1.bin");
  const there = process.env.AMOSKYS_CORPORA !== undefined && existsSync(golden);
  test.skipIf(!there)("reads the golden file of earlier agents (AMOSKYS_CORPORA)", () => {
    const facts = factsOf(new Uint8Array(readFileSync(golden)));
    expect(facts).toMatchObject({ version: "v1", tsNs: 123_456_789n, key: "abc", sig: undefined });
    const flow = decodePayload("flow", facts.flow as Uint8Array);
    expect(flow).toMatchObject({ ok: true, payload: { event: { srcIp: "1.1.1.1", dstPort: 53, durationMs: 3 } } });
  });
});
