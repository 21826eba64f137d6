import type { Statement } from "bun:sqlite";
import type { Connection } from "./connection.ts";
import type { Ledger } from "./ledger.ts";
import { recordOverheadBytes } from "./log-options.ts";
import { boundNs } from "./record-query.ts";
import type { RecordRemover, Removal } from "./record-remover.ts";
import { stateCode } from "./row-codes.ts";

interface Span {
  readonly id: number;
  readonly firstId: number;
  readonly lastId: number;
}

interface Bounds {
  readonly first: number | null;
  readonly last: number | null;
}

// So much leaves in one transaction: little memory, short for readers, little room in the write-ahead file.
const chunkRecords = 512;
const groupsAtOnce = 512;

/** Which records leave the log; every method is the work of one transaction and answers how many went. */
export class Pruner {
  readonly #ledger: Ledger;
  readonly #remover: RecordRemover;
  readonly #chunkBytes: number;
  readonly #done: Statement<Span, []>;
  readonly #span: Statement<Span, [number]>;
  readonly #forget: Statement<unknown, [number]>;
  readonly #nothingPending: Statement<unknown, [number]>;
  readonly #chunk: Statement<Bounds, [number, number]>;
  readonly #groupsIn: Statement<Span, [number, number]>;
  readonly #lastBefore: Statement<{ id: number }, [bigint]>;

  /** `chunkBytes`: from how many bytes of records on a transaction ends. */
  constructor(connection: Connection, ledger: Ledger, remover: RecordRemover, chunkBytes: number) {
    this.#ledger = ledger;
    this.#remover = remover;
    this.#chunkBytes = chunkBytes;
    const settled = `state = ${stateCode.encode("settled")}`;
    const columns = "id, first_id AS firstId, last_id AS lastId";
    const left = "EXISTS (SELECT 1 FROM records WHERE id BETWEEN first_id AND last_id AND group_id = groups.id";
    this.#done = connection.prepare(
      `SELECT ${columns} FROM groups WHERE pending = 0 AND ${left} AND ${settled}) ORDER BY id LIMIT ${groupsAtOnce}`,
    );
    this.#span = connection.prepare(`SELECT ${columns} FROM groups WHERE id = ?`);
    this.#forget = connection.prepare(`DELETE FROM groups WHERE id = ? AND NOT ${left})`);
    this.#nothingPending = connection.prepare("UPDATE groups SET pending = 0 WHERE id = ? AND pending > 0");
    const cost = `length(bytes) + ${recordOverheadBytes}`;
    this.#chunk = connection.prepare(`SELECT min(id) AS first, max(id) AS last FROM
      (SELECT id, sum(${cost}) OVER (ORDER BY id) - (${cost}) AS before FROM
        (SELECT id, bytes FROM records WHERE id <= ? AND ${settled} ORDER BY id LIMIT ${chunkRecords}))
      WHERE before < ?`);
    this.#groupsIn = connection.prepare(
      `SELECT ${columns} FROM groups WHERE id IN (SELECT group_id FROM records WHERE id BETWEEN ? AND ?)`,
    );
    this.#lastBefore = connection.prepare(
      "SELECT id - 1 AS id FROM records WHERE received_ns >= ? ORDER BY id LIMIT 1",
    );
  }

  /** Removes the settled records of groups that have no pending ones. */
  removeDone(nowMs: number): number {
    const removal = this.#remover.begin(nowMs);
    const enoughBytes = this.#ledger.liveBytes - this.#chunkBytes;
    let removed = 0;
    for (const group of this.#done.all()) {
      removed += this.#removeGroup(group, removal);
      if (removed >= chunkRecords || this.#ledger.liveBytes <= enoughBytes) break;
    }
    removal.finish();
    return removed;
  }

  /** Removes groups with all their records but parked ones, pending or not. */
  drop(groupIds: readonly number[], nowMs: number): number {
    const removal = this.#remover.begin(nowMs);
    let removed = 0;
    for (const id of groupIds) {
      const group = this.#span.get(id);
      if (group) removed += this.#removeGroup(group, removal);
    }
    removal.finish();
    return removed;
  }

  /**
   * Removes the oldest settled records with ids up to `lastId` until they make `bytes`, whole groups at a time: a part
   * could not be proven.
   */
  removeOldest(lastId: number, bytes: number, nowMs: number): number {
    const chunk = this.#chunk.get(lastId, Math.min(bytes, this.#chunkBytes));
    if (!chunk || chunk.first === null || chunk.last === null) return 0;
    const { first, last, groups } = this.#wholeGroups(chunk.first, chunk.last);
    const removal = this.#remover.begin(nowMs);
    const removed = removal.remove(first, last, null);
    for (const { id } of groups) this.#forget.run(id);
    removal.finish();
    return removed;
  }

  /** The last record in front of the first one that came at `untilNs` or later; undefined where none did. */
  lastBefore(untilNs: bigint): number | undefined {
    return this.#lastBefore.get(boundNs(untilNs))?.id;
  }

  #removeGroup({ id, firstId, lastId }: Span, removal: Removal): number {
    const removed = removal.remove(firstId, lastId, id);
    // a group that stays for its parked records has nothing pending any more
    this.#nothingPending.run(id);
    this.#forget.run(id);
    return removed;
  }

  #wholeGroups(first: number, last: number): { first: number; last: number; groups: Span[] } {
    const groups = this.#groupsIn.all(first, last);
    const end = Math.max(last, ...groups.map((group) => group.lastId));
    return end === last ? { first, last, groups } : this.#wholeGroups(first, end);
  }
}
