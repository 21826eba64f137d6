import type { Connection } from "./connection.ts";
import { type RecordQuery, timeCondition } from "./record-query.ts";

/** Ids between which a query's records lie, both included. */
export interface IdBounds {
  readonly low: number;
  readonly high: number;
}

interface Known extends IdBounds {
  /** The highest id when they were found. */
  readonly asOf: number;
}

const spansKept = 16;

/**
 * Finds the ids between which the records of a time span lie, from the index by time; remembers them, so that a reader
 * who pages through a span pays once. Times need not be in order.
 */
export class TimeBounds {
  readonly #connection: Connection;
  readonly #known = new Map<string, Known>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Bounds among the ids up to `highest`. */
  find(query: RecordQuery, highest: number): IdBounds {
    if (query.sinceNs === undefined && query.untilNs === undefined) return { low: 1, high: highest };
    const key = `${query.sinceNs}/${query.untilNs}`;
    const known = this.#known.get(key) ?? this.#look(query, 0, highest);
    const bounds = known.asOf === highest ? known : this.#extend(query, known, highest);
    this.#known.delete(key);
    this.#known.set(key, bounds);
    if (this.#known.size > spansKept) this.#known.delete(this.#known.keys().next().value as string);
    return bounds;
  }

  #extend(query: RecordQuery, known: Known, highest: number): Known {
    const more = this.#look(query, known.asOf, highest);
    return { low: Math.min(known.low, more.low), high: Math.max(known.high, more.high), asOf: highest };
  }

  #look(query: RecordQuery, aboveId: number, highest: number): Known {
    const { sql, params } = timeCondition(query, "ts_ns");
    const [row] = this.#connection.all<{ low: number | null; high: number | null }>(
      `SELECT min(id) AS low, max(id) AS high FROM records WHERE id > ? AND id <= ?${sql}`,
      aboveId,
      highest,
      ...params,
    );
    return { low: row?.low ?? Number.POSITIVE_INFINITY, high: row?.high ?? 0, asOf: highest };
  }
}
