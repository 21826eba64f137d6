import type { Statement } from "bun:sqlite";
import { CompactRange, leafHash } from "../core/merkle.ts";
import type { Connection } from "./connection.ts";
import { type LedgerRow, readLedger } from "./ledger.ts";
import { type RecordRow, selectRecords } from "./record-rows.ts";

type WalkedRow = RecordRow & { readonly leafHash: Uint8Array | null };

interface Leaf {
  readonly id: number;
  readonly hash: Uint8Array;
}

/** A page of records with the ledger as it was in the same snapshot. */
export interface WalkedPage {
  readonly rows: readonly RecordRow[];
  readonly ledger: LedgerRow;
  /** The tree over everything up to this page. */
  readonly tree: CompactRange;
  /** Whether there is nothing behind it: then `tree` is to be what the ledger says. */
  readonly isLast: boolean;
}

const pageRecords = 512;

/**
 * Goes through all records of a log in order of id, in short snapshots, and builds its Merkle tree anew on the way. The
 * log may be in use: what leaves it in the meantime is found as a waiting leaf, or in the base of the tree.
 */
export class StructureWalk {
  readonly #connection: Connection;
  readonly #records: Statement<WalkedRow, [number, number]>;
  readonly #leaves: Statement<Leaf, [number, number]>;
  #tree = new CompactRange();
  /** The highest id whose leaf is in the tree. */
  #treeId = 0;
  #afterId = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#records = connection.prepare(
      `${selectRecords.replace("SELECT", "SELECT r.leaf_hash AS leafHash,")} WHERE r.id > ? ORDER BY r.id LIMIT ?`,
      { int64: true },
    );
    this.#leaves = connection.prepare("SELECT id, hash FROM pruned_leaves WHERE id > ? AND id <= ? ORDER BY id");
  }

  *pages(): Generator<WalkedPage, void> {
    for (let isLast = false; !isLast; ) {
      const page = this.#snapshot(() => this.#next());
      isLast = page.isLast;
      yield page;
    }
  }

  #next(): WalkedPage {
    const ledger = readLedger(this.#connection);
    const rows = this.#records.all(this.#afterId, pageRecords);
    const isLast = rows.length < pageRecords;
    const lastRow = Number(rows.at(-1)?.id ?? 0);
    const upTo = isLast ? Math.max(ledger.last_id, lastRow) : lastRow;
    if (ledger.base_id > this.#treeId) {
      this.#tree = new CompactRange(ledger.base_size, ledger.base_peaks);
      this.#treeId = ledger.base_id;
    }
    const waiting = this.#leaves.all(this.#treeId, upTo);
    for (const { hash } of inOrder(rows, waiting, this.#treeId)) this.#tree.append(hash);
    this.#treeId = Math.max(this.#treeId, upTo);
    this.#afterId = upTo;
    return { rows, ledger, tree: this.#tree, isLast };
  }

  #snapshot<Result>(read: () => Result): Result {
    this.#connection.run("BEGIN");
    try {
      return read();
    } finally {
      this.#connection.rollback();
    }
  }
}

/** The leaves of a page behind those in the tree already, of records and of what has left, by id. */
function inOrder(rows: readonly WalkedRow[], waiting: readonly Leaf[], treeId: number): Leaf[] {
  const present = rows
    .filter(({ id }) => Number(id) > treeId)
    .map(({ id, leafHash: kept, bytes }) => ({ id: Number(id), hash: kept ?? leafHash(bytes) }));
  return waiting.length === 0 ? present : [...present, ...waiting].sort((a, b) => a.id - b.id);
}
