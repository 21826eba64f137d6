import type { SQLQueryBindings, Statement } from "bun:sqlite";
import { AmoskysError } from "../core/errors.ts";
import { CompactRange } from "../core/merkle.ts";
import type { Connection } from "./connection.ts";
import { recordOverheadBytes } from "./log-options.ts";
import type { RecordState } from "./record.ts";

/** The one row of table ledger. */
export interface LedgerRow {
  readonly last_id: number;
  readonly last_group_id: number;
  readonly tree_size: number;
  readonly tree_peaks: Uint8Array;
  readonly base_id: number;
  readonly base_size: number;
  readonly base_peaks: Uint8Array;
  readonly pending: number;
  readonly pending_bytes: number;
  readonly settled: number;
  readonly settled_bytes: number;
  readonly parked: number;
  readonly parked_bytes: number;
}

const ledgerColumns = [
  "last_id",
  "last_group_id",
  "tree_size",
  "tree_peaks",
  "base_id",
  "base_size",
  "base_peaks",
  "pending",
  "pending_bytes",
  "settled",
  "settled_bytes",
  "parked",
  "parked_bytes",
] as const satisfies (keyof LedgerRow)[];

/** Reads the ledger; throws `log_corrupt` where there is none. */
export function readLedger(connection: Connection): LedgerRow {
  const [row] = connection.all<LedgerRow>("SELECT * FROM ledger WHERE id = 1");
  if (!row) throw new AmoskysError("log_corrupt", "the log has no ledger");
  return row;
}

/** Records and their bytes. */
export interface Total {
  readonly count: number;
  readonly bytes: number;
}

/** The totals of a ledger by state. */
export function totalsOf(row: LedgerRow): Record<RecordState, Total> {
  return {
    pending: { count: row.pending, bytes: row.pending_bytes },
    settled: { count: row.settled, bytes: row.settled_bytes },
    parked: { count: row.parked, bytes: row.parked_bytes },
  };
}

/** What records take on disk: their bytes and what stands beside them. */
export function costOf({ count, bytes }: Total): number {
  return bytes + count * recordOverheadBytes;
}

/**
 * What the log knows of itself without reading its records: ids given, totals by state, and the Merkle tree over all
 * records ever appended (leaf: SHA-256(0x00 || bytes), in order of id). The *base* of the tree covers those in front
 * that have left the log. Kept in memory, written with every transaction that changes it.
 */
export class Ledger {
  readonly #connection: Connection;
  readonly #write: Statement<unknown, SQLQueryBindings[]>;
  lastId = 0;
  lastGroupId = 0;
  tree = new CompactRange();
  base = new CompactRange();
  /** The highest record id whose leaf is in the base. */
  baseId = 0;
  totals: Record<RecordState, Total> = {
    pending: { count: 0, bytes: 0 },
    settled: { count: 0, bytes: 0 },
    parked: { count: 0, bytes: 0 },
  };

  constructor(connection: Connection) {
    this.#connection = connection;
    const assignments = ledgerColumns.map((column) => `${column} = ?`).join(", ");
    this.#write = connection.prepare(`UPDATE ledger SET ${assignments} WHERE id = 1`);
    this.load();
  }

  /** Takes what the file says: at the start and after a rollback. */
  load(): void {
    const row = readLedger(this.#connection);
    this.lastId = row.last_id;
    this.lastGroupId = row.last_group_id;
    this.tree = new CompactRange(row.tree_size, row.tree_peaks);
    this.base = new CompactRange(row.base_size, row.base_peaks);
    this.baseId = row.base_id;
    this.totals = totalsOf(row);
  }

  /** What stands in the row, or will when it is saved. */
  row(): LedgerRow {
    const { pending, settled, parked } = this.totals;
    return {
      last_id: this.lastId,
      last_group_id: this.lastGroupId,
      tree_size: this.tree.size,
      tree_peaks: this.tree.peaks(),
      base_id: this.baseId,
      base_size: this.base.size,
      base_peaks: this.base.peaks(),
      pending: pending.count,
      pending_bytes: pending.bytes,
      settled: settled.count,
      settled_bytes: settled.bytes,
      parked: parked.count,
      parked_bytes: parked.bytes,
    };
  }

  /** Writes it down; part of the transaction that changed it. */
  save(): void {
    const row = this.row();
    this.#write.run(...ledgerColumns.map((column) => row[column]));
  }

  /** Counts records in (or, with negative figures, out of) a state. */
  count(state: RecordState, count: number, bytes: number): void {
    const total = this.totals[state];
    this.totals[state] = { count: total.count + count, bytes: total.bytes + bytes };
  }

  /** What all records take on disk. */
  get liveBytes(): number {
    const { pending, settled, parked } = this.totals;
    return costOf(pending) + costOf(settled) + costOf(parked);
  }
}
