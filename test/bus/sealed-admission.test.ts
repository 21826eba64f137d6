import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { blake2b256 } from "../../src/core/hashes.ts";
import {
  encodePublishEnvelopes,
  encodePublishTree,
  type LeafBody,
  scanUniversal,
  standaloneEnvelope,
  verifyTree,
} from "../../src/envelope/index.ts";
import type { UniversalAck } from "../../src/gen/universal_telemetry_pb.ts";
import { splitFields } from "../envelope/wire.ts";
import { createTestAuthority, type TestAuthority } from "../support/certificates.ts";
import { type TestAgent, TestBus } from "../support/test-bus.ts";
import { paths, sealedEnvelope, universalAck } from "./envelopes.ts";

let authority: TestAuthority;
let bus: TestBus;
let agent: TestAgent;
let other: TestAgent;

beforeAll(async () => {
  authority = createTestAuthority();
  bus = await TestBus.start({ limits: { earlyWaitMs: 100, windowMs: 400 } }, authority);
  agent = await bus.agent("agent-1");
  other = await bus.agent("agent-2");
});

afterAll(async () => {
  await bus.stop();
  authority.remove();
});

/** A new epoch for a test that must not meet another test's sequences. */
function fresh(one: TestAgent = agent): TestAgent {
  one.epoch = randomBytes(8).toString("hex");
  one.next = 1;
  one.prevSig = new Uint8Array();
  return one;
}

async function telemetry(bytes: Uint8Array, from: TestAgent = agent): Promise<UniversalAck> {
  return universalAck(await from.call(paths.telemetry, bytes));
}

async function tree(bytes: Uint8Array): Promise<string[]> {
  return (await agent.client.publishTree(bytes)).results.map(({ code }) => code);
}

function storedOf(epoch: string) {
  return bus.reader.records({ agents: [agent.name], limit: 10_000 }).filter((r) => r.source.epoch === epoch);
}

describe("an envelope that stands alone", () => {
  test("is stored with its exact bytes and said to be verified; the same again is a duplicate", async () => {
    const { epoch } = fresh();
    const bytes = agent.sealOne();
    expect(await telemetry(bytes)).toMatchObject({ status: 0, code: "stored", eventsAccepted: 1, eventsRejected: 0 });
    expect(await telemetry(bytes)).toMatchObject({ status: 0, code: "duplicate" });
    const records = storedOf(epoch);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ sequence: 1, trust: "verified", form: "universal", state: "settled" });
    expect(records[0]?.bytes).toEqual(bytes);
  });

  test("with other bytes at its sequence is a conflict, and counted", async () => {
    const { epoch } = fresh();
    await telemetry(sealedEnvelope(agent, 1, { flow: { srcIp: "1.1.1.1" } }));
    const forks = bus.observer.counted("amoskys_bus_forks_total", agent.name);
    expect(await telemetry(sealedEnvelope(agent, 1, { flow: { srcIp: "2.2.2.2" } }))).toMatchObject({
      status: 2,
      code: "conflict",
    });
    expect(bus.observer.counted("amoskys_bus_forks_total", agent.name)).toBe(forks + 1);
    expect(storedOf(epoch)).toHaveLength(1);
  });

  test("whose maps are in another order is taken as it is", async () => {
    fresh();
    const device = (order: string[]) => ({
      value: {
        metadata: { customProperties: Object.fromEntries(order.map((key) => [key, key])) },
      },
      case: "deviceTelemetry" as const,
    });
    const forwards = sealedEnvelope(agent, 1, { flow: undefined, deviceTelemetry: device(["a", "b", "c"]).value });
    const backwards = sealedEnvelope(agent, 2, { flow: undefined, deviceTelemetry: device(["c", "b", "a"]).value });
    expect(splitFields(forwards).length).toBe(splitFields(backwards).length);
    expect([(await telemetry(forwards)).code, (await telemetry(backwards)).code]).toEqual(["stored", "stored"]);
  });

  test.each<[string, string, number, () => Uint8Array]>([
    ["garbage", "undecodable", 2, () => new Uint8Array(64).fill(0xff)],
    ["one byte too many", "too_large", 2, () => new Uint8Array(131_073)],
    ["a field twice", "non_canonical", 2, () => twice(sealedEnvelope(agent, 1), 2)],
    ["no payload", "missing", 2, () => sealedEnvelope(agent, 1, { flow: undefined })],
    ["another sequence in its key", "non_canonical", 2, () => sealedEnvelope(agent, 2, { sequence: 1n })],
    ["an unknown algorithm", "undecodable", 2, () => sealedEnvelope(agent, 1, { signingAlgorithm: "ed25519-v9" })],
    ["a signature of another agent's key", "bad_signature", 6, () => sealedEnvelope(agent, 1, {}, other.signer)],
    ["a byte changed", "bad_signature", 6, () => changed(sealedEnvelope(agent, 1))],
    ["another agent's name", "not_permitted", 6, () => sealedEnvelope(other, 1)],
    [
      "a loss record that explains itself",
      "non_canonical",
      2,
      () => sealedEnvelope(agent, 3, { flow: undefined, loss: { firstSequence: 1n, lastSequence: 3n, count: 1n } }),
    ],
  ])("with %s is answered %s", async (_what, code, status, make) => {
    const { epoch } = fresh();
    const ack = await telemetry(make());
    expect(ack).toMatchObject({ code, status, eventsAccepted: 0, eventsRejected: 1 });
    expect(storedOf(epoch)).toHaveLength(0);
  });

  test("burns no sequence of the agent whose key it carries", async () => {
    fresh(other);
    const theirs = sealedEnvelope(other, 1);
    expect(await telemetry(theirs, agent)).toMatchObject({ code: "not_permitted" });
    expect(await telemetry(theirs, other)).toMatchObject({ code: "stored" });
  });
});

/** The envelope with one of its fields written twice. */
function twice(bytes: Uint8Array, number: number): Uint8Array {
  const fields = splitFields(bytes);
  const again = fields.flatMap((field) => (field.number === number ? [field.bytes, field.bytes] : [field.bytes]));
  return new Uint8Array(Buffer.concat(again));
}

/** The envelope with one bit of its payload changed. */
function changed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = Buffer.from(copy).indexOf("10.0.0.");
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

describe("a tree", () => {
  test("is stored whole under its signature; the same again is 100 duplicates", async () => {
    const { epoch } = fresh();
    const group = agent.seal(100);
    const bytes = encodePublishTree(group);
    expect(new Set(await tree(bytes))).toEqual(new Set(["stored"]));
    expect(new Set(await tree(bytes))).toEqual(new Set(["duplicate"]));
    const records = storedOf(epoch);
    expect(records.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    const groupId = records[0]?.groupId as number;
    const leaves = bus.reader.groupLeaves(groupId) as Uint8Array[];
    const stored = bus.reader.group(groupId);
    expect(stored).toMatchObject({ firstSequence: 1, size: 100 });
    expect(verifyTree(agent.name, leaves, stored?.sig as Uint8Array, trustOf(agent), "ever")).toBe(true);
  });

  test("whose leaf came alone before keeps that one, and stores the others with their proofs", async () => {
    const { epoch } = fresh();
    const group = agent.seal(8);
    expect(await telemetry(standaloneEnvelope(group, 0))).toMatchObject({ code: "stored" });
    expect(await tree(encodePublishTree(group))).toEqual(["duplicate", ...Array(7).fill("stored")]);
    const records = storedOf(epoch);
    expect(records.map(({ sequence, form }) => `${sequence} ${form}`)).toEqual(
      Array.from({ length: 8 }, (_, i) => `${i + 1} universal`),
    );
    for (const { bytes } of records) {
      const scan = scanUniversal(bytes);
      expect(scan.ok && scan.facts.proof?.size).toBe(8);
    }
  });

  test("sent leaf by leaf after it was stored whole is nothing but duplicates", async () => {
    fresh();
    const group = agent.seal(3);
    await tree(encodePublishTree(group));
    const envelopes = [0, 1, 2].map((i) => standaloneEnvelope(group, i));
    const { results } = await agent.client.publishEnvelopes(encodePublishEnvelopes(envelopes));
    expect(results.map(({ code }) => code)).toEqual(["duplicate", "duplicate", "duplicate"]);
  });

  test("with a changed leaf, or another's signature, is refused leaf for leaf", async () => {
    const { epoch } = fresh();
    const group = agent.seal(4);
    const leaves = group.leaves.map((leaf) => leaf.slice());
    const last = leaves[3] as Uint8Array;
    const at = Buffer.from(last).lastIndexOf("0");
    last[at] = (last[at] as number) ^ 1;
    expect(new Set(await tree(encodePublishTree({ ...group, leaves })))).toEqual(new Set(["bad_signature"]));
    const forged = other.signer.sign(new Uint8Array(8));
    expect(new Set(await tree(encodePublishTree({ ...group, sig: forged })))).toEqual(new Set(["bad_signature"]));
    expect(storedOf(epoch)).toHaveLength(0);
    expect(new Set(await tree(encodePublishTree(group)))).toEqual(new Set(["stored"]));
  });

  test("of another agent, or whose leaves are not in a row, is refused", async () => {
    fresh();
    fresh(other);
    expect(new Set(await tree(encodePublishTree(other.seal(3))))).toEqual(new Set(["not_permitted"]));
    const group = agent.seal(3);
    const leaves = [...group.leaves].reverse();
    expect(new Set(await tree(encodePublishTree({ ...group, leaves })))).toEqual(new Set(["non_canonical"]));
  });

  test("that cannot be taken apart is a gRPC status", async () => {
    expect(await agent.call(paths.tree, new Uint8Array(100).fill(0xff))).toMatchObject({ status: 3 });
    expect(await agent.call(paths.envelopes, new Uint8Array())).toMatchObject({ status: 3 });
  });
});

function trustOf(one: TestAgent) {
  const { verify } = require("node:crypto") as typeof import("node:crypto");
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), one.signer.publicKey]);
  return {
    verifySignature: (_agent: string, message: Uint8Array, sig: Uint8Array) =>
      verify(null, message, { key: der, format: "der", type: "spki" }, sig),
  };
}

describe("sequences", () => {
  const loss = (firstSequence: number, lastSequence: number): LeafBody => ({
    kind: "loss",
    loss: {
      firstSequence,
      lastSequence,
      count: lastSequence - firstSequence + 1,
      reason: "budget",
      startNs: 1n,
      endNs: 2n,
    },
  });

  test("that arrive in another order are stored in theirs", async () => {
    const { epoch } = fresh();
    const envelopes = Array.from({ length: 6 }, () => agent.sealOne());
    const acks = await Promise.all([5, 3, 4, 1, 2, 0].map((i) => telemetry(envelopes[i] as Uint8Array)));
    expect(acks.map(({ code }) => code)).toEqual(Array(6).fill("stored"));
    expect(storedOf(epoch).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("that come early are asked to wait, then the gap is given up, and a late one fills it", async () => {
    const { epoch } = fresh();
    const [first, second, third] = [agent.sealOne(), agent.sealOne(), agent.sealOne()];
    await telemetry(first);
    expect(await telemetry(third)).toMatchObject({ status: 1, code: "window_full" });
    const gaps = bus.observer.counted("amoskys_bus_gaps_total", agent.name);
    const deadline = Date.now() + 5000;
    let code = "window_full";
    while (code === "window_full" && Date.now() < deadline) code = (await telemetry(third)).code;
    expect(code).toBe("stored");
    expect(bus.observer.counted("amoskys_bus_gaps_total", agent.name)).toBe(gaps + 1);
    const source = { agent: agent.name, epoch };
    expect(bus.reader.ranges(source)).toMatchObject([{ first: 2, last: 2, reason: "missing" }]);
    expect(await telemetry(second)).toMatchObject({ code: "stored" });
    expect(bus.reader.ranges(source)).toEqual([]);
    expect(storedOf(epoch).map(({ sequence }) => sequence)).toEqual([1, 3, 2]);
  });

  test("declared lost are waited for no longer", async () => {
    const { epoch } = fresh();
    const first = agent.seal(2);
    agent.next = 6;
    const late = agent.seal([loss(3, 5), { kind: "flow", payload: Uint8Array.of(8, 1) }]);
    expect(new Set(await tree(encodePublishTree(first)))).toEqual(new Set(["stored"]));
    expect(new Set(await tree(encodePublishTree(late)))).toEqual(new Set(["stored"]));
    const source = { agent: agent.name, epoch };
    expect(bus.reader.ranges(source)).toMatchObject([{ first: 3, last: 5, reason: "declared" }]);
    expect(storedOf(epoch).map(({ sequence, kind }) => `${sequence} ${kind}`)).toEqual([
      "1 flow",
      "2 flow",
      "6 loss",
      "7 flow",
    ]);
  });

  test("parked are declared, replayed with the same bytes stored, with others refused", async () => {
    const { epoch } = fresh();
    const kept = agent.sealOne();
    const leaf = scanUniversal(kept);
    const digest = blake2b256((leaf.ok && leaf.facts.leafBytes()) as Uint8Array);
    const parked = agent.sealOne({ kind: "parked", parked: { sequence: 1, digest, code: "conflict", reason: "r" } });
    expect(await telemetry(parked)).toMatchObject({ code: "stored" });
    const source = { agent: agent.name, epoch };
    expect(bus.reader.ranges(source)).toMatchObject([{ first: 1, last: 1, reason: "declared" }]);
    expect(await telemetry(sealedEnvelope(agent, 1))).toMatchObject({ status: 6, code: "digest_mismatch" });
    expect(await telemetry(kept)).toMatchObject({ code: "stored" });
    expect(await telemetry(kept)).toMatchObject({ code: "duplicate" });
    expect(bus.reader.ranges(source)).toEqual([]);
  });

  test("parked by the thousand are all remembered, and the log is looked through once at most", async () => {
    fresh();
    const count = 1500;
    await telemetry(agent.sealOne());
    agent.next = count + 2;
    const digest = new Uint8Array(32);
    const records = spyOn(bus.reader, "records");
    for (let first = 2; first < count; first += 500) {
      const notices = Array.from({ length: 500 }, (_, i): LeafBody => {
        return { kind: "parked", parked: { sequence: first + i, digest, code: "conflict", reason: "r" } };
      });
      expect(new Set(await tree(encodePublishTree(agent.seal(notices))))).toEqual(new Set(["stored"]));
    }
    for (const sequence of [2, 3, 1000, 1001, count + 1]) {
      expect(await telemetry(sealedEnvelope(agent, sequence))).toMatchObject({ code: "digest_mismatch" });
    }
    const looks = records.mock.calls.length;
    records.mockRestore();
    expect(looks).toBeLessThanOrEqual(1);
  });

  test("declared too long ago to be known are refused, not said to be stored", async () => {
    const small = await TestBus.start({ limits: { gapsMax: 2 } }, authority);
    try {
      const one = await small.agent("agent-1");
      const kept: Uint8Array[] = [];
      for (let n = 0; n < 4; n += 1) {
        kept.push(one.sealOne());
        await one.client.publishTelemetry(one.sealOne(loss(one.next - 1, one.next - 1)));
      }
      const codes = [];
      for (const bytes of kept) codes.push((await one.client.publishTelemetry(bytes)).code);
      expect(codes).toEqual(["conflict", "conflict", "stored", "stored"]);
    } finally {
      await small.stop();
    }
  });

  test("in flight twice share one fate: one stored, the other a duplicate or a conflict", async () => {
    const { epoch } = fresh();
    const bytes = sealedEnvelope(agent, 1);
    const fork = sealedEnvelope(agent, 1, { flow: { srcIp: "9.9.9.9" } });
    const group = { ...fresh(), epoch };
    const acks = await Promise.all([bytes, bytes, bytes, fork].map((one) => telemetry(one)));
    expect(acks.map(({ code }) => code)).toEqual(["stored", "duplicate", "duplicate", "conflict"]);
    expect(storedOf(group.epoch)).toHaveLength(1);
  });
});
