import type { AppendBatch, RangeChange } from "./append-batch.ts";
import type { NewRecord, SourceKey } from "./record.ts";
import { formCode, kindCode, stateCode, trustCode } from "./row-codes.ts";

/** The columns of records that are numbers. Words are as in row-codes.ts, lengths those of bytes in the buffer. */
const numberColumns = 9;
const none = -1;

/** The texts of a record that has any. */
type PackedTexts = readonly [
  record: number,
  legacyKey: string | undefined,
  code: string | undefined,
  reason: string | undefined,
];

/** Records as columns: a structured clone of objects takes ten times as long (bench/log-append.ts, "thread"). */
interface PackedRecords {
  /** Source, sequence, kind, form, trust, state, length of the judged digest, of the bytes, group; record by record. */
  readonly numbers: Float64Array;
  /** The sender's time and the time it came, record by record. */
  readonly times: BigUint64Array;
  readonly texts: readonly PackedTexts[];
}

type PackedGroup = readonly [source: number, first: number, size: number, sigLength: number, prevSigLength: number];
type PackedHead = readonly [source: number, highest: number, lastSigLength: number];

/** A batch that crosses to another thread: its bytes in a row in one buffer, which is handed over without a copy. */
export interface PackedBatch {
  readonly buffer: ArrayBuffer;
  readonly sources: readonly SourceKey[];
  readonly groups: readonly PackedGroup[];
  readonly records: PackedRecords;
  readonly heads: readonly PackedHead[];
  readonly ranges: readonly RangeChange[];
  readonly dropGroups: readonly number[] | undefined;
}

/**
 * Copies the bytes of a batch into one buffer. They are often views into larger buffers, which a structured clone would
 * copy whole, each of them, and a transfer would take away from whoever else looks into them.
 */
export function packBatch(batch: AppendBatch): PackedBatch {
  const parts: Uint8Array[] = [];
  const add = (bytes: Uint8Array): number => {
    parts.push(bytes);
    return bytes.length;
  };
  const sources = new SourceList();
  const groups = batch.groups.map(({ source, firstSequence, size, sig, prevSig }): PackedGroup => {
    return [sources.numberOf(source), firstSequence, size, add(sig), add(prevSig)];
  });
  const records = packRecords(batch.records, sources, add);
  const heads = batch.heads.map(({ source, highest, lastSig }): PackedHead => {
    return [sources.numberOf(source), highest, add(lastSig)];
  });
  const { ranges, dropGroups } = batch;
  return { buffer: joined(parts), sources: sources.keys, groups, records, heads, ranges, dropGroups };
}

/** The batch again, its bytes as views into the buffer. */
export function unpackBatch(packed: PackedBatch): AppendBatch {
  const { sources } = packed;
  let at = 0;
  const take = (length: number): Uint8Array => {
    at += length;
    return new Uint8Array(packed.buffer, at - length, length);
  };
  const sourceOf = (number: number): SourceKey => sources[number] as SourceKey;
  const groups = packed.groups.map(([source, firstSequence, size, sig, prevSig]) => {
    return { source: sourceOf(source), firstSequence, size, sig: take(sig), prevSig: take(prevSig) };
  });
  const records = unpackRecords(packed.records, sourceOf, take);
  const heads = packed.heads.map(([source, highest, lastSig]) => {
    return { source: sourceOf(source), highest, lastSig: take(lastSig) };
  });
  return { groups, records, heads, ranges: packed.ranges, dropGroups: packed.dropGroups };
}

function packRecords(
  records: readonly NewRecord[],
  sources: SourceList,
  add: (bytes: Uint8Array) => number,
): PackedRecords {
  const numbers = new Float64Array(records.length * numberColumns);
  const times = new BigUint64Array(records.length * 2);
  const texts: PackedTexts[] = [];
  for (const [i, record] of records.entries()) {
    const { legacyKey, judgedDigest, code, reason } = record;
    const at = i * numberColumns;
    numbers[at] = sources.numberOf(record.source);
    numbers[at + 1] = record.sequence;
    numbers[at + 2] = kindCode.encode(record.kind);
    numbers[at + 3] = formCode.encode(record.form);
    numbers[at + 4] = trustCode.encode(record.trust);
    numbers[at + 5] = stateCode.encode(record.state);
    numbers[at + 6] = judgedDigest ? add(judgedDigest) : none;
    numbers[at + 7] = add(record.bytes);
    numbers[at + 8] = record.group ?? none;
    times[i * 2] = record.tsNs;
    times[i * 2 + 1] = record.receivedNs;
    if (legacyKey !== undefined || code !== undefined || reason !== undefined) texts.push([i, legacyKey, code, reason]);
  }
  return { numbers, times, texts };
}

function unpackRecords(
  { numbers, times, texts }: PackedRecords,
  sourceOf: (number: number) => SourceKey,
  take: (length: number) => Uint8Array,
): NewRecord[] {
  const textsOf = new Map(texts.map((entry) => [entry[0], entry]));
  return Array.from({ length: times.length / 2 }, (_, i): NewRecord => {
    const column = (offset: number): number => numbers[i * numberColumns + offset] as number;
    const [, legacyKey, code, reason] = textsOf.get(i) ?? [];
    return {
      source: sourceOf(column(0)),
      sequence: column(1),
      legacyKey,
      judgedDigest: column(6) === none ? undefined : take(column(6)),
      tsNs: times[i * 2] as bigint,
      receivedNs: times[i * 2 + 1] as bigint,
      kind: kindCode.decode(column(2)) as NewRecord["kind"],
      form: formCode.decode(column(3)) as NewRecord["form"],
      trust: trustCode.decode(column(4)) as NewRecord["trust"],
      state: stateCode.decode(column(5)) as NewRecord["state"],
      code,
      reason,
      bytes: take(column(7)),
      group: column(8) === none ? undefined : column(8),
    };
  });
}

/** Numbers sources; records of a batch mostly share one object. */
class SourceList {
  readonly keys: SourceKey[] = [];
  readonly #numbers = new Map<SourceKey, number>();

  numberOf(source: SourceKey): number {
    const known = this.#numbers.get(source);
    if (known !== undefined) return known;
    this.#numbers.set(source, this.keys.length);
    this.keys.push({ agent: source.agent, epoch: source.epoch });
    return this.keys.length - 1;
  }
}

function joined(parts: readonly Uint8Array[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.buffer;
}
