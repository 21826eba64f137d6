import { expect, test } from "bun:test";
import { packBatch, unpackBatch } from "../../src/wal/batch-packing.ts";
import { sampleBatch, sampleRecord, sampleSource } from "./sample-log.ts";

test("unpackBatch gives what packBatch took, also after a structured clone with transfer", () => {
  const batch = {
    ...sampleBatch(1, 20),
    ranges: [{ source: sampleSource, op: "add" as const, first: 1, last: 2, reason: "missing" as const, sinceMs: 3 }],
    dropGroups: [4, 5],
  };
  batch.records = [...batch.records, sampleRecord(50, { judgedDigest: new Uint8Array(32).fill(9) })];
  const packed = packBatch(batch);
  const crossed = structuredClone(packed, { transfer: [packed.buffer] });
  expect(packed.buffer.byteLength).toBe(0);
  expect(unpackBatch(crossed)).toEqual(batch);
  expect(crossed.sources).toEqual([sampleSource]);
});

test("packBatch takes an empty batch and empty bytes", () => {
  const empty = { groups: [], records: [], heads: [], ranges: [] };
  expect(unpackBatch(packBatch(empty))).toEqual(empty);
  expect(packBatch(empty).buffer.byteLength).toBe(0);
  const hollow = { ...empty, records: [sampleRecord(1, { bytes: new Uint8Array() })] };
  expect(unpackBatch(packBatch(hollow))).toEqual(hollow);
});
