import { describe, expect, test } from "bun:test";
import { blake2b256 } from "../../src/core/hashes.ts";
import { viewRecord } from "../../src/tasks/wal-record-view.ts";
import type { StoredRecord } from "../../src/wal/index.ts";
import { flowEnvelopeType, long, universalType } from "../envelope/universal-arbitrary.ts";
import { fromHex, vectors } from "../envelope/vectors.ts";
import { flowPayload } from "./log-fixture.ts";

function recordOf(bytes: Uint8Array, changes: Partial<StoredRecord> = {}): StoredRecord {
  return {
    id: 7,
    source: { agent: "agent", epoch: vectors.epoch },
    sequence: 1,
    groupId: undefined,
    tsNs: 9n,
    receivedNs: 10n,
    kind: "flow",
    form: "universal",
    trust: "verified",
    state: "settled",
    bytes,
    digest: blake2b256(bytes),
    intact: true,
    tries: 0,
    lastTryMs: 0,
    ...changes,
  };
}

describe("viewRecord", () => {
  test("an envelope that stands alone", () => {
    const view = viewRecord(recordOf(fromHex(vectors.plain[0]?.envelope ?? "")));
    expect(view).toMatchObject({ id: 7, agent: "agent", epoch: vectors.epoch, sequence: 1, problem: undefined });
    expect(view.payload).toMatchObject({ kind: "flow", event: { srcIp: "10.0.0.1" } });
    expect(view.key).toBe(`${vectors.epoch}.0000000000000001`);
  });

  test("leaf bytes", () => {
    const view = viewRecord(recordOf(fromHex(vectors.tree.leaf_bytes[2] ?? ""), { form: "leaf" }));
    expect(view).toMatchObject({ sequence: 9, payload: { kind: "flow" } });
  });

  test("a first-generation envelope, with a flow or a payload", () => {
    const legacy = { source: { agent: "old", epoch: "" }, sequence: 0, form: "envelope", legacyKey: "k" } as const;
    for (const field of ["flow", "payload"]) {
      const value = field === "flow" ? { src_ip: "10.0.0.1" } : flowPayload(1);
      const bytes = flowEnvelopeType.encode({ ts_ns: long(3n), idempotency_key: "k", [field]: value }).finish();
      const view = viewRecord(recordOf(bytes, legacy));
      expect(view).toMatchObject({ key: "k", tsNs: 3n, epoch: "", payload: { event: { srcIp: "10.0.0.1" } } });
    }
  });

  test("an earlier agent's envelope of other kinds", () => {
    const bytes = universalType.encode({ idempotency_key: "k", process: { pid: long(5n) } }).finish();
    const view = viewRecord(recordOf(bytes, { kind: "process", source: { agent: "old", epoch: "" }, sequence: 0 }));
    expect(view).toMatchObject({ key: "k", payload: { kind: "process", event: { pid: 5n } } });
  });

  test("what cannot be read says why, and the log's columns stand in", () => {
    const garbage = viewRecord(recordOf(Uint8Array.of(1, 2, 3), { legacyKey: "k" }));
    expect(garbage).toMatchObject({ key: "k", sequence: 1, epoch: vectors.epoch, tsNs: 9n, payload: undefined });
    expect(garbage.problem).toBeString();
    const swapped = viewRecord(recordOf(fromHex(vectors.plain[0]?.envelope ?? ""), { kind: "loss" }));
    expect(swapped.problem).toBe("the bytes hold a flow, the log says loss");
  });

  test("a payload that is no event says so", () => {
    const bytes = universalType.encode({ idempotency_key: "k", version: "1", flow: {} }).finish();
    const broken = Buffer.from(bytes);
    const at = broken.indexOf(Uint8Array.of(0x22, 0));
    const damaged = Buffer.concat([
      broken.subarray(0, at),
      Uint8Array.of(0x22, 2, 0x0a, 0x05),
      broken.subarray(at + 2),
    ]);
    expect(viewRecord(recordOf(damaged)).problem).toContain("messaging.FlowEvent");
  });
});
