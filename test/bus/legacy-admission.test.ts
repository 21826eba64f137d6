import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { encodePublishEnvelopes } from "../../src/envelope/index.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type TestAgent, TestBus } from "../support/test-bus.ts";
import { flowEnvelope, legacyEnvelope, paths, publishAck, universalAck } from "./envelopes.ts";

let authority: TestAuthority;
let bus: TestBus;
let signed: TestAgent;
let unsigned: TestAgent;
let none: TestAgent;

beforeAll(async () => {
  authority = createTestAuthority();
  bus = await TestBus.start({}, authority);
  signed = await bus.agent("signed", { legacy: "signed" });
  unsigned = await bus.agent("unsigned", { legacy: "unsigned" });
  none = await bus.agent("none");
});

afterAll(async () => {
  await bus.stop();
  authority.remove();
});

const flow = { srcIp: "10.0.0.1", dstIp: "10.0.0.2" };

function record(agent: TestAgent, key: string) {
  return bus.reader.legacyRecord(agent.name, key);
}

describe("a first-generation Envelope", () => {
  test.each([paths.publish, paths.universalPublish])("signed, through %s, is stored with its label", async (path) => {
    const key = randomUUID();
    const bytes = flowEnvelope({ idempotencyKey: key, flow }, signed.signer);
    expect(publishAck(await signed.call(path, bytes))).toMatchObject({ status: 0, code: "stored", reason: "" });
    expect(record(signed, key)).toMatchObject({ trust: "signed_legacy", form: "envelope", kind: "flow", sequence: 0 });
    expect(record(signed, key)?.bytes).toEqual(bytes);
  });

  test("signed again on the next try is a duplicate; with another flow it is a conflict", async () => {
    const key = randomUUID();
    const send = async (fields: Parameters<typeof flowEnvelope>[0]) =>
      publishAck(await unsigned.call(paths.publish, flowEnvelope({ idempotencyKey: key, ...fields })));
    expect(await send({ flow })).toMatchObject({ code: "stored" });
    const resigned = flowEnvelope({ idempotencyKey: key, flow }, unsigned.signer);
    const again = publishAck(await unsigned.call(paths.publish, resigned));
    expect(again).toMatchObject({ status: 0, code: "duplicate", reason: expect.stringContaining("duplicate") });
    expect(await send({ flow: { srcIp: "6.6.6.6" } })).toMatchObject({ status: 2, code: "conflict" });
    await bus.restart();
    expect(await send({ flow })).toMatchObject({ status: 0, code: "duplicate" });
  });

  test("has one key space for each agent: nobody burns another's", async () => {
    const key = randomUUID();
    const bytes = (agent: TestAgent) => flowEnvelope({ idempotencyKey: key, flow }, agent.signer);
    expect(publishAck(await unsigned.call(paths.publish, bytes(unsigned)))).toMatchObject({ code: "stored" });
    expect(publishAck(await signed.call(paths.publish, bytes(signed)))).toMatchObject({ code: "stored" });
  });

  test("sent many times at once is stored once", async () => {
    const key = randomUUID();
    const bytes = flowEnvelope({ idempotencyKey: key, flow });
    const fork = flowEnvelope({ idempotencyKey: key, flow: { srcIp: "6.6.6.6" } });
    const answers = await Promise.all([bytes, bytes, bytes, fork].map((one) => unsigned.call(paths.publish, one)));
    expect(answers.map((answer) => publishAck(answer).code)).toEqual(["stored", "duplicate", "duplicate", "conflict"]);
    expect(bus.stored(unsigned).filter((one) => one === key)).toHaveLength(1);
  });

  test("with its flow in the older field payload is taken", async () => {
    const key = randomUUID();
    const bytes = flowEnvelope({ idempotencyKey: key, payload: Uint8Array.of(10, 1, 49) });
    expect(publishAck(await unsigned.call(paths.publish, bytes))).toMatchObject({ code: "stored" });
  });

  test.each<[string, string, number, () => Uint8Array]>([
    ["without flow and payload", "missing", 2, () => flowEnvelope({ idempotencyKey: "k" }, signed.signer)],
    ["without a key", "missing", 2, () => flowEnvelope({ flow }, signed.signer)],
    ["of garbage", "undecodable", 2, () => Uint8Array.of(0xff, 0xff, 0xff)],
    ["that is too large", "too_large", 2, () => new Uint8Array(131_073)],
    ["with another's signature", "bad_signature", 3, () => flowEnvelope({ idempotencyKey: "k", flow }, none.signer)],
    [
      "with an endless key",
      "non_canonical",
      2,
      () => flowEnvelope({ idempotencyKey: "k".repeat(2000), flow }, signed.signer),
    ],
  ])("%s is answered %s", async (_what, code, status, make) => {
    const ack = publishAck(await signed.call(paths.publish, make()));
    expect(ack).toMatchObject({ code, status });
    if (code === "missing") expect(ack.reason).toContain("missing");
  });

  test("is refused with a gRPC status where the trust map does not allow it", async () => {
    const bytes = flowEnvelope({ idempotencyKey: randomUUID(), flow }, none.signer);
    expect(await none.call(paths.publish, bytes)).toMatchObject({ status: 7, body: new Uint8Array() });
    const unsignedBytes = flowEnvelope({ idempotencyKey: randomUUID(), flow });
    expect(await signed.call(paths.publish, unsignedBytes)).toMatchObject({ status: 7 });
    const stranger = bus.stranger("stranger");
    expect(await stranger.call(paths.publish, bytes)).toMatchObject({ status: 7 });
  });
});

describe("a UniversalEnvelope without a v2 signature", () => {
  const send = async (agent: TestAgent, bytes: Uint8Array) => universalAck(await agent.call(paths.telemetry, bytes));

  test("is stored with its label, and a retry of it is a duplicate", async () => {
    const idempotencyKey = randomUUID();
    const bytes = legacyEnvelope({ idempotencyKey, flow }, signed.signer);
    expect(await send(signed, bytes)).toMatchObject({ status: 0, code: "stored" });
    const retried = legacyEnvelope({ idempotencyKey, flow, retryCount: 3 }, signed.signer);
    expect(await send(signed, retried)).toMatchObject({ status: 0, code: "duplicate" });
    expect(record(signed, idempotencyKey)).toMatchObject({ trust: "signed_legacy", form: "universal", kind: "flow" });
    const other = legacyEnvelope({ idempotencyKey, flow: { srcIp: "6.6.6.6" } }, signed.signer);
    expect(await send(signed, other)).toMatchObject({ status: 2, code: "conflict" });
  });

  test("unsigned is stored as unsigned where that is allowed", async () => {
    const idempotencyKey = randomUUID();
    const bytes = legacyEnvelope({ idempotencyKey, process: { pid: 7n } });
    expect(await send(unsigned, bytes)).toMatchObject({ status: 0, code: "stored" });
    expect(record(unsigned, idempotencyKey)).toMatchObject({ trust: "unsigned", kind: "process" });
  });

  test("signed with a key that the entry does not have is refused, not passed off as unsigned", async () => {
    const bytes = legacyEnvelope({ idempotencyKey: randomUUID(), flow }, none.signer);
    expect(await send(unsigned, bytes)).toMatchObject({ status: 6, code: "bad_signature" });
  });

  test("is refused with a gRPC status where the identity is at fault", async () => {
    const bytes = legacyEnvelope({ idempotencyKey: randomUUID(), flow }, none.signer);
    expect(await none.call(paths.telemetry, bytes)).toMatchObject({ status: 7 });
    expect(await bus.stranger("nobody").call(paths.telemetry, bytes)).toMatchObject({ status: 7 });
  });

  test("in PublishEnvelopes has its own result", async () => {
    const bytes = legacyEnvelope({ idempotencyKey: randomUUID(), flow }, none.signer);
    const mixed = encodePublishEnvelopes([none.sealOne(), bytes]);
    const { results } = await none.client.publishEnvelopes(mixed);
    expect(results.map(({ code }) => code)).toEqual(["stored", "not_permitted"]);
  });
});
