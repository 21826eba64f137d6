import type { SQLQueryBindings } from "bun:sqlite";
import type { RecordKind } from "../core/event.ts";
import type { RecordState } from "./record.ts";
import { kindCode, stateCode } from "./row-codes.ts";

/** Which records, in order of id. */
export interface RecordQuery {
  /** Only ids above it; with `newestFirst` only ids below it. */
  readonly afterId?: number | undefined;
  /** Only ids up to it: bounds how much is looked through where few records fit. */
  readonly throughId?: number | undefined;
  /** The sender's time: from, inclusive. */
  readonly sinceNs?: bigint | undefined;
  /** The sender's time: until, exclusive. */
  readonly untilNs?: bigint | undefined;
  readonly kinds?: readonly RecordKind[] | undefined;
  readonly agents?: readonly string[] | undefined;
  readonly states?: readonly RecordState[] | undefined;
  readonly limit: number;
  readonly newestFirst?: boolean | undefined;
}

/** A condition in SQL with its parameters. */
export interface Condition {
  readonly sql: string;
  readonly params: SQLQueryBindings[];
}

const int64Max = 2n ** 63n - 1n;

/** A bound of a span of time as the file can hold it. */
export function boundNs(ns: bigint): bigint {
  return ns > int64Max ? int64Max : ns;
}

function among(column: string, values: readonly number[]): string {
  return ` AND ${column} IN (${values.join(", ")})`;
}

/** The sender's time within a query's span. Times beyond 2^63 ns stand before 1970 in the file. */
export function timeCondition(query: RecordQuery, column: string): Condition {
  const sql: string[] = [];
  const params: bigint[] = [];
  if (query.sinceNs !== undefined) {
    sql.push(` AND ${column} >= ?`);
    params.push(boundNs(query.sinceNs));
  }
  if (query.untilNs !== undefined) {
    sql.push(` AND ${column} < ?`);
    params.push(boundNs(query.untilNs));
  }
  return { sql: sql.join(""), params };
}

/** Everything of a query but ids and limit, on records `r`. */
export function rowCondition(query: RecordQuery): Condition {
  // the plus keeps SQLite from taking the index by time, which would have to be sorted by id
  const time = timeCondition(query, "+r.ts_ns");
  const sql = [time.sql];
  if (query.kinds) sql.push(among("r.kind", query.kinds.map(kindCode.encode)));
  if (query.states) sql.push(among("r.state", query.states.map(stateCode.encode)));
  if (query.agents) {
    const places = query.agents.map(() => "?").join(", ");
    sql.push(` AND r.source IN (SELECT id FROM sources WHERE agent IN (${places}))`);
  }
  return { sql: sql.join(""), params: [...time.params, ...(query.agents ?? [])] };
}
