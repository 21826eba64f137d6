import { bytesEqual } from "../core/bytes.ts";
import { AmoskysError } from "../core/errors.ts";
import { blake2b256 } from "../core/hashes.ts";
import type { SourceKey, StoredGroup, StoredRecord } from "./record.ts";
import { formCode, kindCode, stateCode, trustCode, type WordCode } from "./row-codes.ts";

/** A record as SQLite gives it with `safeIntegers`, which lets 64-bit times through whole. */
export interface RecordRow {
  readonly id: bigint;
  readonly source: bigint;
  readonly sequence: bigint;
  readonly groupId: bigint | null;
  readonly tsNs: bigint;
  readonly receivedNs: bigint;
  readonly kind: bigint;
  readonly form: bigint;
  readonly trust: bigint;
  readonly state: bigint;
  readonly code: string | null;
  readonly reason: string | null;
  readonly legacyKey: string | null;
  readonly judgedDigest: Uint8Array | null;
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
  readonly tries: bigint | null;
  readonly lastTryMs: bigint | null;
}

/** Selects RecordRows; conditions name the records `r`. */
export const selectRecords = `SELECT r.id, r.source, r.sequence, r.group_id AS groupId, r.ts_ns AS tsNs,
  r.received_ns AS receivedNs, r.kind, r.form, r.trust, r.state, r.code, r.reason, r.legacy_key AS legacyKey,
  r.judged_digest AS judgedDigest, r.digest, r.bytes, g.tries, g.last_try_ms AS lastTryMs
  FROM records r LEFT JOIN groups g ON g.id = r.group_id`;

/** A group as SQLite gives it. */
export interface GroupRow {
  readonly id: number;
  readonly source: number;
  readonly firstSequence: number;
  readonly size: number;
  readonly sig: Uint8Array;
  readonly prevSig: Uint8Array;
  readonly firstId: number;
  readonly lastId: number;
  readonly tries: number;
  readonly lastTryMs: number;
  readonly lastCode: string;
}

/** Selects GroupRows. */
export const selectGroups = `SELECT id, source, first_sequence AS firstSequence, size, sig, prev_sig AS prevSig,
  first_id AS firstId, last_id AS lastId, tries, last_try_ms AS lastTryMs, last_code AS lastCode FROM groups`;

/** Names a source by its number in the file. */
export type SourceNames = (source: number) => SourceKey;

function word<Word extends string>(code: WordCode<Word>, column: string, row: RecordRow, value: bigint): Word {
  const decoded = code.decode(Number(value));
  if (decoded) return decoded;
  throw new AmoskysError("log_corrupt", `record ${row.id} has the unknown ${column} ${value}`);
}

/** Makes a record of a row and looks whether its bytes still have its digest. */
export function toRecord(row: RecordRow, sourceOf: SourceNames): StoredRecord {
  return {
    id: Number(row.id),
    source: sourceOf(Number(row.source)),
    sequence: Number(row.sequence),
    groupId: row.groupId === null ? undefined : Number(row.groupId),
    tsNs: BigInt.asUintN(64, row.tsNs),
    receivedNs: BigInt.asUintN(64, row.receivedNs),
    kind: word(kindCode, "kind", row, row.kind),
    form: word(formCode, "form", row, row.form),
    trust: word(trustCode, "trust", row, row.trust),
    state: word(stateCode, "state", row, row.state),
    code: row.code ?? undefined,
    reason: row.reason ?? undefined,
    legacyKey: row.legacyKey ?? undefined,
    judgedDigest: row.judgedDigest ?? undefined,
    digest: row.digest,
    bytes: row.bytes,
    intact: bytesEqual(blake2b256(row.bytes), row.digest),
    tries: Number(row.tries ?? 0),
    lastTryMs: Number(row.lastTryMs ?? 0),
  };
}

/** Makes a group of a row and the records of it that are here. */
export function toGroup(row: GroupRow, records: StoredRecord[], sourceOf: SourceNames): StoredGroup {
  const { id, firstSequence, size, sig, prevSig, tries, lastTryMs, lastCode } = row;
  return { id, source: sourceOf(row.source), firstSequence, size, sig, prevSig, tries, lastTryMs, lastCode, records };
}
