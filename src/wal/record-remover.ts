import type { Statement } from "bun:sqlite";
import { leafHash } from "../core/merkle.ts";
import type { Connection } from "./connection.ts";
import type { Ledger } from "./ledger.ts";
import type { RangeTable } from "./range-table.ts";
import { stateCode } from "./row-codes.ts";

interface RemovedRow {
  readonly id: number;
  readonly source: number;
  readonly sequence: number;
  readonly state: number;
  readonly leafHash: Uint8Array | null;
  readonly bytes: Uint8Array;
}

interface Leaf {
  readonly id: number;
  readonly hash: Uint8Array;
}

/** A removal inside a transaction. */
export interface Removal {
  /** Removes the records with ids from `first` to `last`, of one group or of all; answers how many. */
  remove(first: number, last: number, group: number | null): number;
  finish(): void;
}

const pending = stateCode.encode("pending");
const settled = stateCode.encode("settled");
const parked = stateCode.encode("parked");

/** The hash that a record has in the log's tree. */
function treeLeaf(row: { leafHash: Uint8Array | null; bytes: Uint8Array }): Uint8Array {
  return row.leafHash ?? leafHash(row.bytes);
}

/**
 * Takes records out of the log: their totals, their place in the tree (its base swallows what has left in front,
 * passing
 * over parked records; what leaves behind it waits as a hash), and, for settled ones, the range that says they were
 * here. Parked records never leave this way.
 */
export class RecordRemover {
  readonly #ledger: Ledger;
  readonly #ranges: RangeTable;
  readonly #select: Statement<RemovedRow, [number, number, number | null]>;
  readonly #delete: Statement<unknown, [number, number, number | null]>;
  readonly #keepLeaf: Statement<unknown, [number, Uint8Array]>;
  readonly #firstLeft: Statement<{ id: number }, [number]>;
  readonly #waiting: Statement<Leaf, [number]>;
  readonly #forgetWaiting: Statement<unknown, [number]>;
  readonly #passed: Statement<RemovedRow, [number, number]>;

  constructor(connection: Connection, ledger: Ledger, ranges: RangeTable) {
    this.#ledger = ledger;
    this.#ranges = ranges;
    const columns = "id, source, sequence, state, leaf_hash AS leafHash, bytes";
    const range = `id BETWEEN ?1 AND ?2 AND (?3 IS NULL OR group_id = ?3) AND state <> ${parked}`;
    this.#select = connection.prepare(`SELECT ${columns} FROM records WHERE ${range} ORDER BY id`);
    this.#delete = connection.prepare(`DELETE FROM records WHERE ${range}`);
    this.#keepLeaf = connection.prepare("INSERT INTO pruned_leaves (id, hash) VALUES (?, ?)");
    this.#firstLeft = connection.prepare(
      `SELECT id FROM records WHERE id > ? AND state <> ${parked} ORDER BY id LIMIT 1`,
    );
    this.#waiting = connection.prepare("SELECT id, hash FROM pruned_leaves WHERE id < ? ORDER BY id");
    this.#forgetWaiting = connection.prepare("DELETE FROM pruned_leaves WHERE id < ?");
    this.#passed = connection.prepare(
      `SELECT ${columns} FROM records WHERE id > ?1 AND id < ?2 AND state = ${parked} ORDER BY id`,
    );
  }

  /** Begins a removal, which ends in the same transaction with `finish`. */
  begin(nowMs: number): Removal {
    const leaves: Leaf[] = [];
    return {
      remove: (first, last, group) => this.#remove(first, last, group, nowMs, leaves),
      finish: () => this.#fold(leaves),
    };
  }

  #remove(first: number, last: number, group: number | null, nowMs: number, leaves: Leaf[]): number {
    const rows = this.#select.all(first, last, group);
    if (rows.length === 0) return 0;
    this.#delete.run(first, last, group);
    for (const row of rows) {
      this.#ledger.count(row.state === pending ? "pending" : "settled", -1, -row.bytes.length);
      if (row.id > this.#ledger.baseId) leaves.push({ id: row.id, hash: treeLeaf(row) });
    }
    this.#explain(
      rows.filter((row) => row.state === settled && row.sequence > 0),
      nowMs,
    );
    return rows.length;
  }

  /** Adds to the ranges `settled` what was removed, in runs of one source. */
  #explain(rows: readonly RemovedRow[], nowMs: number): void {
    for (let i = 0; i < rows.length; ) {
      const { source, sequence } = rows[i] as RemovedRow;
      let length = 1;
      while (rows[i + length]?.source === source && rows[i + length]?.sequence === sequence + length) length += 1;
      this.#ranges.add(source, "settled", sequence, sequence + length - 1, nowMs);
      i += length;
    }
  }

  /** Moves the base of the tree up to the first record that is still here; what was removed behind it waits. */
  #fold(removed: readonly Leaf[]): void {
    const ledger = this.#ledger;
    const limit = this.#firstLeft.get(ledger.baseId)?.id ?? ledger.lastId + 1;
    for (const { id, hash } of removed) if (id >= limit) this.#keepLeaf.run(id, hash);
    const waiting = this.#waiting.all(limit);
    if (waiting.length > 0) this.#forgetWaiting.run(limit);
    const passed = this.#passed.all(ledger.baseId, limit).map((row) => ({ id: row.id, hash: treeLeaf(row) }));
    const leaves = removed.filter(({ id }) => id < limit).concat(waiting, passed);
    for (const { hash } of leaves.sort((a, b) => a.id - b.id)) ledger.base.append(hash);
    ledger.baseId = limit - 1;
  }
}
