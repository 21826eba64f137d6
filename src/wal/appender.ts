import type { SQLQueryBindings, Statement } from "bun:sqlite";
import { AmoskysError } from "../core/errors.ts";
import { blake2b256 } from "../core/hashes.ts";
import { leafHash } from "../core/merkle.ts";
import type { AppendBatch, AppendResult } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import type { Ledger } from "./ledger.ts";
import type { RangeTable } from "./range-table.ts";
import type { NewGroup, NewRecord, SourceKey } from "./record.ts";
import { formCode, kindCode, stateCode, trustCode } from "./row-codes.ts";
import type { SourceTable } from "./source-table.ts";

const recordColumns = [
  "id",
  "source",
  "sequence",
  "group_id",
  "ts_ns",
  "received_ns",
  "kind",
  "form",
  "trust",
  "state",
  "code",
  "reason",
  "legacy_key",
  "judged_digest",
  "digest",
  "bytes",
];
const columnsOfRecord = recordColumns.length;

// one statement for so many rows takes a fifth less time a row than one for each (bench/log-append.ts)
const rowsAtOnce = 16;

type GroupParams = [
  id: number,
  source: number,
  firstSequence: number,
  size: number,
  sig: Uint8Array,
  prevSig: Uint8Array,
  firstId: number,
  lastId: number,
  pending: number,
];

/** What the log knows of one group of a batch while it is appended. */
interface GroupSpan {
  readonly group: NewGroup;
  firstId: number;
  lastId: number;
  pending: number;
}

/** Writes the new rows of a batch inside a transaction. */
export class Appender {
  readonly #ledger: Ledger;
  readonly #sources: SourceTable;
  readonly #ranges: RangeTable;
  #last: { source: SourceKey; id: number } | undefined;
  readonly #insertOne: Statement<unknown, SQLQueryBindings[]>;
  readonly #insertMany: Statement<unknown, SQLQueryBindings[]>;
  readonly #insertGroup: Statement<unknown, GroupParams>;

  constructor(connection: Connection, ledger: Ledger, sources: SourceTable, ranges: RangeTable) {
    this.#ledger = ledger;
    this.#sources = sources;
    this.#ranges = ranges;
    const places = `(${recordColumns.map(() => "?").join(", ")})`;
    const insert = (rows: number): string => {
      return `INSERT INTO records (${recordColumns.join(", ")}) VALUES ${Array(rows).fill(places).join(", ")}`;
    };
    this.#insertOne = connection.prepare(insert(1));
    this.#insertMany = connection.prepare(insert(rowsAtOnce));
    this.#insertGroup = connection.prepare(`INSERT INTO groups (id, source, first_sequence, size, sig, prev_sig,
      first_id, last_id, pending, tries, last_try_ms, last_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')`);
  }

  /** Throws `internal` for a batch that contradicts itself; unique keys are SQLite's to refuse. */
  append(batch: AppendBatch): AppendResult {
    const ledger = this.#ledger;
    this.#last = undefined;
    const firstId = ledger.lastId + 1;
    const firstGroupId = ledger.lastGroupId + 1;
    const spans = batch.groups.map((group): GroupSpan => ({ group, firstId: 0, lastId: 0, pending: 0 }));
    const values: SQLQueryBindings[] = [];
    for (const record of batch.records) this.#appendRecord(record, firstGroupId, spans, values);
    this.#insertRows(values);
    for (const span of spans) this.#appendGroup(span);
    for (const head of batch.heads) this.#sources.setHead(head);
    for (const { source, op, first, last, reason, sinceMs } of batch.ranges) {
      if (op === "add") this.#ranges.add(this.#sources.ensure(source), reason, first, last, sinceMs);
      else this.#ranges.remove(this.#sources.ensure(source), reason, first, last);
    }
    return { firstId, groupIds: spans.map((_, i) => firstGroupId + i), size: ledger.tree.size };
  }

  #appendRecord(
    record: NewRecord,
    firstGroupId: number,
    spans: readonly GroupSpan[],
    values: SQLQueryBindings[],
  ): void {
    const ledger = this.#ledger;
    const id = ledger.lastId + 1;
    const span = record.group === undefined ? undefined : spans[record.group];
    if (record.group === undefined ? record.state === "pending" : !span) {
      throw new AmoskysError("internal", `record ${record.sequence} of a batch has no group`);
    }
    if (span) {
      span.firstId ||= id;
      span.lastId = id;
      if (record.state === "pending") span.pending += 1;
    }
    values.push(
      id,
      this.#sourceId(record.source),
      record.sequence,
      record.group === undefined ? null : firstGroupId + record.group,
      BigInt.asIntN(64, record.tsNs),
      BigInt.asIntN(64, record.receivedNs),
      kindCode.encode(record.kind),
      formCode.encode(record.form),
      trustCode.encode(record.trust),
      stateCode.encode(record.state),
      record.code ?? null,
      record.reason ?? null,
      record.legacyKey ?? null,
      record.judgedDigest ?? null,
      blake2b256(record.bytes),
      record.bytes,
    );
    ledger.lastId = id;
    ledger.tree.append(leafHash(record.bytes));
    ledger.count(record.state, 1, record.bytes.length);
  }

  #insertRows(values: readonly SQLQueryBindings[]): void {
    let at = 0;
    for (const step = rowsAtOnce * columnsOfRecord; at + step <= values.length; at += step) {
      this.#insertMany.run(...values.slice(at, at + step));
    }
    for (; at < values.length; at += columnsOfRecord) this.#insertOne.run(...values.slice(at, at + columnsOfRecord));
  }

  // records of a batch mostly share one object as their source
  #sourceId(source: SourceKey): number {
    if (this.#last?.source !== source) this.#last = { source, id: this.#sources.ensure(source) };
    return this.#last.id;
  }

  #appendGroup({ group, firstId, lastId, pending }: GroupSpan): void {
    if (firstId === 0) throw new AmoskysError("internal", `group at ${group.firstSequence} of a batch has no records`);
    const id = this.#ledger.lastGroupId + 1;
    const { source, firstSequence, size, sig, prevSig } = group;
    const sourceId = this.#sources.ensure(source);
    this.#insertGroup.run(id, sourceId, firstSequence, size, sig, prevSig, firstId, lastId, pending);
    this.#ledger.lastGroupId = id;
  }
}
