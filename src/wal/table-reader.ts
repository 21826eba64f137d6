import type { Statement } from "bun:sqlite";
import { statSync } from "node:fs";
import type { RangeReason, RangeRow, SourceHead } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import { GroupTable } from "./group-table.ts";
import { readLedger } from "./ledger.ts";
import type { LogStats } from "./log-options.ts";
import type { LogReader } from "./log-reader.ts";
import { statsOf } from "./log-stats.ts";
import { MetaTable } from "./meta-table.ts";
import { RangeReader } from "./range-reader.ts";
import type { SourceKey, StoredGroup, StoredRecord } from "./record.ts";
import { type RecordQuery, rowCondition } from "./record-query.ts";
import { type RecordRow, selectRecords, toRecord } from "./record-rows.ts";
import { SourceTable } from "./source-table.ts";
import { logError } from "./sqlite-error.ts";
import { TimeBounds } from "./time-bounds.ts";

// One statement looks at no more ids than this, so that no snapshot lives long, whatever is asked for.
const idsPerSnapshot = 16_384;

/** Reads a log of ours. */
export class TableReader implements LogReader {
  readonly path: string;
  readonly #connection: Connection;
  readonly #sources: SourceTable;
  readonly #ranges: RangeReader;
  readonly #groups: GroupTable;
  readonly #meta: MetaTable;
  readonly #timeBounds: TimeBounds;
  readonly #bySequence: Statement<RecordRow, [string, string, number]>;
  readonly #byLegacyKey: Statement<RecordRow, [string, string]>;

  constructor(path: string, connection: Connection) {
    this.path = path;
    this.#connection = connection;
    this.#sources = new SourceTable(connection, "read");
    this.#ranges = new RangeReader(connection, this.#sources);
    this.#groups = new GroupTable(connection, this.#sources.nameOf);
    this.#meta = new MetaTable(connection);
    this.#timeBounds = new TimeBounds(connection);
    const source = "r.source = (SELECT id FROM sources WHERE agent = ? AND epoch = ?)";
    this.#bySequence = connection.prepare(`${selectRecords} WHERE ${source} AND r.sequence = ? AND r.sequence > 0`, {
      int64: true,
    });
    const legacySource = source.replace("epoch = ?", "epoch = ''");
    this.#byLegacyKey = connection.prepare(`${selectRecords} WHERE ${legacySource} AND r.legacy_key = ?`, {
      int64: true,
    });
  }

  records(query: RecordQuery): StoredRecord[] {
    return this.#read(() => this.#find(query));
  }

  record(source: SourceKey, sequence: number): StoredRecord | undefined {
    return this.#read(() => this.#toRecord(this.#bySequence.get(source.agent, source.epoch, sequence)));
  }

  legacyRecord(agent: string, key: string): StoredRecord | undefined {
    return this.#read(() => this.#toRecord(this.#byLegacyKey.get(agent, key)));
  }

  group(id: number): StoredGroup | undefined {
    return this.#read(() => this.#groups.get(id));
  }

  groupLeaves(id: number): Uint8Array[] | undefined {
    const group = this.group(id);
    const leaves = group?.records.filter(({ form, intact }) => form === "leaf" && intact);
    return leaves && leaves.length === group?.size ? leaves.map(({ bytes }) => bytes) : undefined;
  }

  sources(): SourceHead[] {
    return this.#read(() => this.#sources.heads());
  }

  head(source: SourceKey): SourceHead | undefined {
    return this.#read(() => this.#sources.head(source));
  }

  ranges(source?: SourceKey): RangeRow[] {
    return this.#read(() => this.#ranges.all(source));
  }

  newestRanges(source: SourceKey, reason: RangeReason, limit: number): RangeRow[] {
    return this.#read(() => this.#ranges.newest(source, reason, limit));
  }

  countSequences(reason: RangeReason): number {
    return this.#read(() => this.#ranges.count(reason));
  }

  stats(): LogStats {
    return this.#read(() =>
      statsOf(readLedger(this.#connection), {
        oldestPendingNs: this.#groups.oldestPendingNs(),
        budgetBytes: Number.POSITIVE_INFINITY,
        fileBytes: sizeOf(this.path),
        walBytes: sizeOf(`${this.path}-wal`),
        lastCommitMs: 0,
      }),
    );
  }

  meta(key: string): string | undefined {
    return this.#read(() => this.#meta.get(key));
  }

  highestId(): number {
    return this.#read(() => this.#connection.scalar<number>("SELECT last_id FROM ledger"));
  }

  close(): void {
    this.#connection.close();
  }

  #find(query: RecordQuery): StoredRecord[] {
    const found: StoredRecord[] = [];
    const bounds = this.#timeBounds.find(query, this.highestId());
    const { sql, params } = rowCondition(query);
    const order = query.newestFirst ? "DESC" : "ASC";
    const select = `${selectRecords} WHERE r.id >= ? AND r.id <= ?${sql} ORDER BY r.id ${order} LIMIT ?`;
    for (const [low, high] of slices(query, bounds)) {
      const left = query.limit - found.length;
      if (left <= 0) break;
      for (const row of this.#connection.allInt64<RecordRow>(select, low, high, ...params, left)) {
        found.push(toRecord(row, this.#sources.nameOf));
      }
    }
    return found;
  }

  #toRecord(row: RecordRow | null): StoredRecord | undefined {
    return row ? toRecord(row, this.#sources.nameOf) : undefined;
  }

  #read<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (caught) {
      throw logError(caught, this.path);
    }
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The ids that a query looks at, in pieces and in its order. */
function* slices(query: RecordQuery, span: { low: number; high: number }): Generator<[low: number, high: number]> {
  const bounds = { low: span.low, high: Math.min(span.high, query.throughId ?? span.high) };
  if (query.newestFirst) {
    const top = Math.min(bounds.high, (query.afterId ?? Number.POSITIVE_INFINITY) - 1);
    for (let high = top; high >= bounds.low; high -= idsPerSnapshot) {
      yield [Math.max(bounds.low, high - idsPerSnapshot + 1), high];
    }
    return;
  }
  const bottom = Math.max(bounds.low, (query.afterId ?? 0) + 1);
  for (let low = bottom; low <= bounds.high; low += idsPerSnapshot) {
    yield [low, Math.min(bounds.high, low + idsPerSnapshot - 1)];
  }
}
