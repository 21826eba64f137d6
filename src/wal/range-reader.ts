import type { Statement } from "bun:sqlite";
import { AmoskysError } from "../core/errors.ts";
import type { RangeReason, RangeRow } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import type { SourceKey } from "./record.ts";
import { reasonCode } from "./row-codes.ts";
import type { SourceTable } from "./source-table.ts";

interface Row {
  readonly source: number;
  readonly reason: number;
  readonly first: number;
  readonly last: number;
  readonly sinceMs: number;
}

const select = "SELECT source, reason, first, last, since_ms AS sinceMs FROM ranges";

/** Reads the ranges of sequences without a record. */
export class RangeReader {
  readonly #connection: Connection;
  readonly #sources: SourceTable;
  readonly #newest: Statement<Row, [source: number, reason: number, limit: number]>;

  constructor(connection: Connection, sources: SourceTable) {
    this.#connection = connection;
    this.#sources = sources;
    this.#newest = connection.prepare(`${select} WHERE source = ? AND reason = ? ORDER BY first DESC LIMIT ?`);
  }

  /** Every range, or those of one source, in order. */
  all(source?: SourceKey): RangeRow[] {
    const order = "ORDER BY source, first, reason";
    if (!source) return this.#connection.all<Row>(`${select} ${order}`).map(this.#toRange);
    const number = this.#sources.find(source);
    if (number === undefined) return [];
    return this.#connection.all<Row>(`${select} WHERE source = ? ${order}`, number).map(this.#toRange);
  }

  /** The ranges of one source and reason with the highest sequences, no more than `limit`, in order. */
  newest(source: SourceKey, reason: RangeReason, limit: number): RangeRow[] {
    const number = this.#sources.find(source);
    if (number === undefined) return [];
    return this.#newest.all(number, reasonCode.encode(reason), limit).map(this.#toRange).reverse();
  }

  /** How many sequences all ranges of a reason hold. */
  count(reason: RangeReason): number {
    // total: agents choose their sequences, and sum throws where it goes beyond 64 bits
    return this.#connection.scalar<number>(
      "SELECT total(last - first + 1) FROM ranges WHERE reason = ?",
      reasonCode.encode(reason),
    );
  }

  readonly #toRange = (row: Row): RangeRow => {
    const reason = reasonCode.decode(row.reason);
    if (!reason) throw new AmoskysError("log_corrupt", `a range of the log has the unknown reason ${row.reason}`);
    return { source: this.#sources.nameOf(row.source), first: row.first, last: row.last, reason, sinceMs: row.sinceMs };
  };
}
