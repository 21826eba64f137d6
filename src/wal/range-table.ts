import type { Statement } from "bun:sqlite";
import { AmoskysError } from "../core/errors.ts";
import type { RangeReason } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import { reasonCode } from "./row-codes.ts";

interface Range {
  readonly first: number;
  readonly last: number;
  readonly since: number;
}

type Place = [source: number, reason: number];

/**
 * Sequences without a record, as ranges. Those of one source and reason neither overlap nor touch: what is added merges
 * with its neighbours, what is removed splits them.
 */
export class RangeTable {
  readonly #meeting: Statement<Range, [...Place, number, number]>;
  readonly #delete: Statement<unknown, [...Place, number]>;
  readonly #put: Statement<unknown, [...Place, number, number, number]>;

  constructor(connection: Connection) {
    // ranges are in order and apart: only the last one that begins before ?3 and those that begin inside can meet it
    this.#meeting = connection.prepare(`SELECT first, last, since_ms AS since FROM ranges
      WHERE source = ?1 AND reason = ?2 AND last >= ?3 AND first <= ?4 AND first >= coalesce(
        (SELECT max(first) FROM ranges WHERE source = ?1 AND reason = ?2 AND first < ?3), ?3)`);
    this.#delete = connection.prepare("DELETE FROM ranges WHERE source = ? AND reason = ? AND first = ?");
    this.#put = connection.prepare(
      "INSERT OR REPLACE INTO ranges (source, reason, first, last, since_ms) VALUES (?, ?, ?, ?, ?)",
    );
  }

  /** Adds first to last, both included. */
  add(source: number, reason: RangeReason, first: number, last: number, sinceMs: number): void {
    assertRange(first, last);
    const code = reasonCode.encode(reason);
    let whole: Range = { first, last, since: sinceMs };
    for (const met of this.#meeting.all(source, code, first - 1, last + 1)) {
      whole = {
        first: Math.min(whole.first, met.first),
        last: Math.max(whole.last, met.last),
        since: Math.min(whole.since, met.since),
      };
      this.#delete.run(source, code, met.first);
    }
    this.#put.run(source, code, whole.first, whole.last, whole.since);
  }

  /** Takes first to last away, both included, as far as they are there. */
  remove(source: number, reason: RangeReason, first: number, last: number): void {
    assertRange(first, last);
    const code = reasonCode.encode(reason);
    for (const met of this.#meeting.all(source, code, first, last)) {
      this.#delete.run(source, code, met.first);
      if (met.first < first) this.#put.run(source, code, met.first, first - 1, met.since);
      if (met.last > last) this.#put.run(source, code, last + 1, met.last, met.since);
    }
  }
}

function assertRange(first: number, last: number): void {
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 1 && first <= last) return;
  throw new AmoskysError("internal", `the range ${first} to ${last} is none`);
}
