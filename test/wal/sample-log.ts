import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordKind } from "../../src/core/event.ts";
import {
  type AppendBatch,
  type Log,
  type NewRecord,
  type OpenLogOptions,
  openLog,
  type SourceKey,
} from "../../src/wal/index.ts";

/** A folder for one test; gone with `using`. */
export function temporaryFolder(where = tmpdir()): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(where, "amoskys-wal-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export const sampleSource: SourceKey = { agent: "agent", epoch: "00000000000000a1" };
export const baseNs = 1_700_000_000_000_000_000n;

/** Bytes that say which record they are, of a length that differs from record to record. */
export function sampleBytes(sequence: number, length = 40 + (sequence % 7)): Uint8Array {
  const bytes = new Uint8Array(length).fill(sequence % 251);
  new DataView(bytes.buffer).setUint32(0, sequence);
  return bytes;
}

export interface SampleOptions {
  readonly source?: SourceKey;
  readonly kind?: RecordKind;
  readonly state?: NewRecord["state"];
  readonly length?: number;
}

/** One group of `count` leaves from a sequence on, the way an agent's outbox appends it. */
export function sampleBatch(first: number, count: number, options: SampleOptions = {}): AppendBatch {
  const { source = sampleSource, kind = "flow", state = "pending", length } = options;
  const sig = sampleBytes(first, 64);
  return {
    groups: [{ source, firstSequence: first, size: count, sig, prevSig: sampleBytes(first - 1, 64) }],
    records: Array.from({ length: count }, (_, i) => ({
      source,
      sequence: first + i,
      tsNs: baseNs + BigInt(first + i),
      receivedNs: baseNs + BigInt(first + i) + 5n,
      kind,
      form: "leaf" as const,
      trust: "verified" as const,
      state,
      bytes: sampleBytes(first + i, length),
      group: 0,
    })),
    heads: [{ source, highest: first + count - 1, lastSig: sig }],
    ranges: [],
  };
}

/** One record that stands alone, the way the bus stores it. */
export function sampleRecord(sequence: number, changes: Partial<NewRecord> = {}): NewRecord {
  return {
    source: sampleSource,
    sequence,
    tsNs: baseNs + BigInt(sequence),
    receivedNs: baseNs + BigInt(sequence) + 5n,
    kind: "flow",
    form: "universal",
    trust: "verified",
    state: "settled",
    bytes: sampleBytes(sequence),
    ...changes,
  };
}

/** A batch of records alone. */
export function batchOf(records: NewRecord[]): AppendBatch {
  return { groups: [], records, heads: [], ranges: [] };
}

/** Opens a log in a folder with room for everything. */
export function openSample(folder: string, options: Partial<OpenLogOptions> = {}): Log {
  return openLog({ path: join(folder, "sample.db"), role: "agent", budgetBytes: 1 << 30, ...options });
}

/** Settles all pending records of a group. */
export function settleGroup(log: Log, groupId: number): void {
  const group = log.group(groupId);
  if (!group) throw new Error(`no group ${groupId}`);
  log.settle(group.records.map(({ id }) => ({ id, state: "settled", code: "stored", reason: "" })));
}
