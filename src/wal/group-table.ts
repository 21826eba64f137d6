import type { Statement } from "bun:sqlite";
import type { Connection } from "./connection.ts";
import { costOf, type Total } from "./ledger.ts";
import type { SourceKey, StoredGroup, StoredRecord } from "./record.ts";
import {
  type GroupRow,
  type RecordRow,
  type SourceNames,
  selectGroups,
  selectRecords,
  toGroup,
  toRecord,
} from "./record-rows.ts";
import { stateCode } from "./row-codes.ts";

/** Sequences of one source that shedding would lose, with the time span of what was in them. */
export interface OldestRange {
  readonly source: SourceKey;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** What shedding the oldest groups would drop: their ids, and the sequences of their pending records. */
export interface OldestGroups {
  readonly groupIds: number[];
  readonly ranges: OldestRange[];
}

interface PendingRow {
  readonly sequence: bigint;
  readonly tsNs: bigint;
}

const pending = stateCode.encode("pending");
const parked = stateCode.encode("parked");

/** Reads groups with their records. */
export class GroupTable {
  readonly #nameOf: SourceNames;
  readonly #next: Statement<GroupRow, [number]>;
  readonly #one: Statement<GroupRow, [number]>;
  readonly #records: Statement<RecordRow, [number, number, number]>;
  readonly #pendingRows: Statement<PendingRow, [number, number, number]>;
  readonly #firstPending: Statement<PendingRow, [number, number, number]>;
  readonly #cost: Statement<Total, [number, number, number]>;

  constructor(connection: Connection, nameOf: SourceNames) {
    this.#nameOf = nameOf;
    this.#next = connection.prepare(`${selectGroups} WHERE id > ? AND pending > 0 ORDER BY id LIMIT 1`);
    this.#one = connection.prepare(`${selectGroups} WHERE id = ?`);
    this.#records = connection.prepare(
      `${selectRecords} WHERE r.id BETWEEN ? AND ? AND r.group_id = ? ORDER BY r.sequence`,
      { int64: true },
    );
    const inGroup = "WHERE id BETWEEN ? AND ? AND group_id = ?";
    const pendingRows = `SELECT sequence, ts_ns AS tsNs FROM records ${inGroup} AND state = ${pending}`;
    this.#pendingRows = connection.prepare(`${pendingRows} ORDER BY sequence`, { int64: true });
    this.#firstPending = connection.prepare(`${pendingRows} ORDER BY id LIMIT 1`, { int64: true });
    this.#cost = connection.prepare(`SELECT count(*) AS count, coalesce(sum(length(bytes)), 0) AS bytes FROM records
      ${inGroup} AND state <> ${parked}`);
  }

  /** The first group behind an id that has pending records. */
  next(afterId: number): StoredGroup | undefined {
    return this.#whole(this.#next.get(afterId));
  }

  get(id: number): StoredGroup | undefined {
    return this.#whole(this.#one.get(id));
  }

  /** The row of a group alone. */
  row(id: number): GroupRow | undefined {
    return this.#one.get(id) ?? undefined;
  }

  /** The oldest groups with pending records that together take at least `bytes`, but none of `except`. */
  oldest(bytes: number, except: ReadonlySet<number>): OldestGroups {
    const groupIds: number[] = [];
    const ranges: OldestRange[] = [];
    let found = 0;
    for (let row = this.#next.get(0); row && found < bytes; row = this.#next.get(row.id)) {
      if (except.has(row.id)) continue;
      groupIds.push(row.id);
      found += costOf(this.#cost.get(row.firstId, row.lastId, row.id) ?? { count: 0, bytes: 0 });
      for (const { sequence, tsNs } of this.#pendingRows.all(row.firstId, row.lastId, row.id)) {
        extend(ranges, this.#nameOf(row.source), Number(sequence), BigInt.asUintN(64, tsNs));
      }
    }
    return { groupIds, ranges };
  }

  /** The sender's time of the oldest pending record. */
  oldestPendingNs(): bigint | undefined {
    const row = this.#next.get(0);
    const first = row && this.#firstPending.get(row.firstId, row.lastId, row.id);
    return first ? BigInt.asUintN(64, first.tsNs) : undefined;
  }

  #whole(row: GroupRow | null): StoredGroup | undefined {
    return row ? toGroup(row, this.#recordsOf(row), this.#nameOf) : undefined;
  }

  #recordsOf(row: GroupRow): StoredRecord[] {
    return this.#records.all(row.firstId, row.lastId, row.id).map((record) => toRecord(record, this.#nameOf));
  }
}

/** Adds one sequence to the last range, or begins another. */
function extend(ranges: OldestRange[], source: SourceKey, sequence: number, tsNs: bigint): void {
  const last = ranges.at(-1);
  if (last?.source !== source || last.last + 1 !== sequence) {
    ranges.push({ source, first: sequence, last: sequence, count: 1, startNs: tsNs, endNs: tsNs });
    return;
  }
  ranges[ranges.length - 1] = {
    ...last,
    last: sequence,
    count: last.count + 1,
    startNs: tsNs < last.startNs ? tsNs : last.startNs,
    endNs: tsNs > last.endNs ? tsNs : last.endNs,
  };
}
