import type { SQLQueryBindings, Statement } from "bun:sqlite";
import { rmSync } from "node:fs";
import { CompactRange, leafHash } from "../core/merkle.ts";
import { Connection } from "./connection.ts";
import { readDamagedPages } from "./damaged-pages.ts";
import { configureWriter } from "./engine.ts";
import type { LogSettings } from "./log-parts.ts";
import { RangeTable } from "./range-table.ts";
import { formCode, stateCode } from "./row-codes.ts";
import { recogniseRow, type SalvagedTable } from "./salvage-rows.ts";
import { migrate } from "./schema.ts";
import { touchPrivate } from "./writer-lock.ts";

const rowsPerTransaction = 4096;

// Ids go on well above the highest one found: what had higher ones may have been seen by somebody already.
const idsSkipped = 1 << 20;

const columnsOf: Readonly<Record<SalvagedTable, number>> = {
  sources: 5,
  groups: 12,
  records: 17,
  ranges: 5,
  ledger: 14,
};

const pending = stateCode.encode("pending");
const settled = stateCode.encode("settled");
const leaf = formCode.encode("leaf");

/** What could be taken over from a damaged file. */
export interface Salvaged {
  readonly records: number;
}

/**
 * Makes a new log at `target` of all rows of the damaged one at `path` that are whole. Keeps ids, states and groups.
 * Leaves that wait in a group of which others are gone are left behind: without them no signature can be shown. So is
 * everything in `meta`, the epoch of an agent for one. The damaged file is only read. The bus keeps every record, also
 * one whose group is gone: verify names it.
 */
export function salvage(path: string, target: string, settings: LogSettings): Salvaged {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(target + suffix, { force: true });
  touchPrivate(target);
  const connection = Connection.writable(target);
  try {
    configureWriter(connection, target, settings.checkpointBytes);
    migrate(connection);
    copyRows(path, connection);
    connection.transact(() => {
      dropUnsendable(connection);
      if (settings.role === "agent") explainDelivered(connection, settings.clock.wallMs());
    });
    connection.transact(() => rebuildLedger(connection));
    return { records: connection.scalar<number>("SELECT count(*) FROM records") };
  } finally {
    connection.close();
  }
}

function copyRows(path: string, connection: Connection): void {
  const inserts = new Map<SalvagedTable, Statement<unknown, SQLQueryBindings[]>>();
  for (const [table, columns] of Object.entries(columnsOf) as [SalvagedTable, number][]) {
    const places = Array(columns).fill("?").join(", ");
    // of two versions of a row the first is the later one; the ledger has a row already, of a new log
    const verb = table === "ledger" ? "REPLACE" : "INSERT OR IGNORE";
    inserts.set(table, connection.prepare(`${verb} INTO ${table} VALUES (${places})`));
  }
  connection.run("BEGIN IMMEDIATE");
  let rows = 0;
  for (const cell of readDamagedPages(path)) {
    const row = recogniseRow(cell);
    if (!row) continue;
    inserts.get(row.table)?.run(...row.values);
    rows += 1;
    if (rows % rowsPerTransaction === 0) {
      connection.run("COMMIT");
      connection.run("PRAGMA wal_checkpoint(PASSIVE)");
      connection.run("BEGIN IMMEDIATE");
    }
  }
  connection.run("COMMIT");
}

function dropUnsendable(connection: Connection): void {
  connection.run("DELETE FROM records WHERE source NOT IN (SELECT id FROM sources)");
  connection.run("DELETE FROM ranges WHERE source NOT IN (SELECT id FROM sources)");
  const here = "SELECT count(*) FROM records WHERE id BETWEEN first_id AND last_id AND group_id = groups.id";
  connection.run(`DELETE FROM records WHERE state = ${pending} AND form = ${leaf} AND NOT EXISTS
    (SELECT 1 FROM groups WHERE id = records.group_id AND size = (${here}))`);
  connection.run(`DELETE FROM groups WHERE (${here}) = 0`);
  connection.run(`UPDATE groups SET pending = (${here} AND state = ${pending})`);
}

/** An agent needs what it has delivered no more, once the group that it came in is gone. */
function explainDelivered(connection: Connection, nowMs: number): void {
  const orphans = `state = ${settled} AND form = ${leaf} AND group_id NOT IN (SELECT id FROM groups)`;
  const ranges = new RangeTable(connection);
  for (const { source, sequence } of connection.all<{ source: number; sequence: number }>(
    `SELECT source, sequence FROM records WHERE ${orphans} AND sequence > 0`,
  )) {
    ranges.add(source, "settled", sequence, sequence, nowMs);
  }
  connection.run(`DELETE FROM records WHERE ${orphans}`);
}

/** A new tree over what is there, totals, and ids that go on where nobody has been. */
function rebuildLedger(connection: Connection): void {
  const tree = new CompactRange();
  const leaves = connection.prepare<{ id: number; leafHash: Uint8Array | null; bytes: Uint8Array }, [number]>(
    "SELECT id, leaf_hash AS leafHash, bytes FROM records WHERE id > ? ORDER BY id LIMIT 1024",
  );
  for (let page = leaves.all(0); page.length > 0; page = leaves.all(page.at(-1)?.id ?? 0)) {
    for (const row of page) tree.append(row.leafHash ?? leafHash(row.bytes));
  }
  const total = (state: string, what: string): string =>
    `(SELECT ${what} FROM records WHERE state = ${stateCode.encode(state as "pending")})`;
  const totals = ["pending", "settled", "parked"].map(
    (state) =>
      `${state} = ${total(state, "count(*)")}, ${state}_bytes = ${total(state, "coalesce(sum(length(bytes)), 0)")}`,
  );
  const next = (column: string, table: string): string =>
    `${column} = max(${column}, (SELECT coalesce(max(id), 0) FROM ${table})) + ${idsSkipped}`;
  connection.run(`UPDATE ledger SET ${next("last_id", "records")}, ${next("last_group_id", "groups")},
    base_id = 0, base_size = 0, base_peaks = x'', ${totals.join(", ")}`);
  connection
    .prepare<unknown, [number, Uint8Array]>("UPDATE ledger SET tree_size = ?, tree_peaks = ?")
    .run(tree.size, tree.peaks());
}
