import type { Statement } from "bun:sqlite";
import { blake2b256 } from "../core/hashes.ts";
import { leafHash } from "../core/merkle.ts";
import type { Connection } from "./connection.ts";
import type { Ledger } from "./ledger.ts";
import type { RecordState } from "./record.ts";
import { formCode, stateCode } from "./row-codes.ts";

/** A change of state of one record. */
export interface Settlement {
  readonly id: number;
  readonly state: "settled" | "parked";
  /** Kept with parked records, as is the reason. */
  readonly code: string;
  readonly reason: string;
  /** Parked: the envelope that stands alone, which replaces the leaf's bytes (form `universal` from then on). */
  readonly standalone?: Uint8Array | undefined;
}

interface RunRow {
  readonly groupId: number | null;
  readonly state: number;
  readonly count: number;
  readonly bytes: number;
}

interface OneRow {
  readonly groupId: number | null;
  readonly state: number;
  readonly leafHash: Uint8Array | null;
  readonly bytes: Uint8Array;
}

const codes = {
  pending: stateCode.encode("pending"),
  settled: stateCode.encode("settled"),
  parked: stateCode.encode("parked"),
};

// what a bus says may be long; a person reads this
const reasonLengthMax = 500;

/** Changes the states of records inside a transaction; keeps totals and the pending counts of groups. */
export class Settler {
  readonly #ledger: Ledger;
  readonly #selectRun: Statement<RunRow, [number, number]>;
  readonly #settleRun: Statement<unknown, [number, number]>;
  readonly #selectOne: Statement<OneRow, [number]>;
  readonly #park: Statement<unknown, [string, string, number]>;
  readonly #replace: Statement<unknown, [Uint8Array, Uint8Array, Uint8Array, number]>;
  readonly #unpark: Statement<unknown, [number]>;
  readonly #addPending: Statement<unknown, [number, number]>;
  readonly #tried: Statement<unknown, [string, number, number]>;

  constructor(connection: Connection, ledger: Ledger) {
    this.#ledger = ledger;
    this.#selectRun = connection.prepare(`SELECT group_id AS groupId, state, count(*) AS count,
      sum(length(bytes)) AS bytes FROM records WHERE id BETWEEN ? AND ? AND state <> ${codes.settled}
      GROUP BY group_id, state`);
    this.#settleRun = connection.prepare(`UPDATE records SET state = ${codes.settled}, code = NULL, reason = NULL
      WHERE id BETWEEN ? AND ? AND state <> ${codes.settled}`);
    this.#selectOne = connection.prepare(
      "SELECT group_id AS groupId, state, leaf_hash AS leafHash, bytes FROM records WHERE id = ?",
    );
    this.#park = connection.prepare(`UPDATE records SET state = ${codes.parked}, code = ?, reason = ? WHERE id = ?`);
    this.#replace = connection.prepare(`UPDATE records SET form = ${formCode.encode("universal")}, bytes = ?,
      digest = ?, leaf_hash = ? WHERE id = ?`);
    this.#unpark = connection.prepare(
      `UPDATE records SET state = ${codes.pending}, code = NULL, reason = NULL WHERE id = ?`,
    );
    this.#addPending = connection.prepare("UPDATE groups SET pending = pending + ? WHERE id = ?");
    this.#tried = connection.prepare(
      "UPDATE groups SET tries = tries + 1, last_code = ?, last_try_ms = ? WHERE id = ?",
    );
  }

  /** Ids that are not in the log are passed over. */
  settle(changes: readonly Settlement[]): void {
    for (let i = 0; i < changes.length; ) {
      const change = changes[i] as Settlement;
      if (change.state === "parked") {
        this.#parkOne(change);
        i += 1;
        continue;
      }
      let length = 1;
      while (changes[i + length]?.state === "settled" && changes[i + length]?.id === change.id + length) length += 1;
      this.#settle(change.id, change.id + length - 1);
      i += length;
    }
  }

  /** Makes parked records pending again; answers how many of them were parked. */
  replay(ids: readonly number[]): number {
    let replayed = 0;
    for (const id of ids) {
      const row = this.#selectOne.get(id);
      if (row?.state !== codes.parked || row.groupId === null) continue;
      this.#unpark.run(id);
      this.#move("parked", "pending", row.groupId, 1, row.bytes.length);
      replayed += 1;
    }
    return replayed;
  }

  /** Counts a try of a group that did not settle it. */
  markTried(groupId: number, code: string, atMs: number): void {
    this.#tried.run(code, atMs, groupId);
  }

  #settle(first: number, last: number): void {
    for (const { groupId, state, count, bytes } of this.#selectRun.all(first, last)) {
      this.#move(state === codes.parked ? "parked" : "pending", "settled", groupId, count, bytes);
    }
    this.#settleRun.run(first, last);
  }

  #parkOne({ id, code, reason, standalone }: Settlement): void {
    const row = this.#selectOne.get(id);
    if (!row) return;
    this.#park.run(code, reason.slice(0, reasonLengthMax), id);
    if (standalone) this.#replace.run(standalone, blake2b256(standalone), row.leafHash ?? leafHash(row.bytes), id);
    const from: RecordState =
      row.state === codes.pending ? "pending" : row.state === codes.settled ? "settled" : "parked";
    this.#move(from, "parked", row.groupId, 1, row.bytes.length);
    if (standalone) this.#ledger.count("parked", 0, standalone.length - row.bytes.length);
  }

  #move(from: RecordState, to: RecordState, groupId: number | null, count: number, bytes: number): void {
    this.#ledger.count(from, -count, -bytes);
    this.#ledger.count(to, count, bytes);
    const pending = (to === "pending" ? count : 0) - (from === "pending" ? count : 0);
    if (pending !== 0 && groupId !== null) this.#addPending.run(pending, groupId);
  }
}
