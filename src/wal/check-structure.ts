import { bytesEqual } from "../core/bytes.ts";
import { AmoskysError } from "../core/errors.ts";
import { CompactRange } from "../core/merkle.ts";
import { Connection } from "./connection.ts";
import { type LedgerRow, totalsOf } from "./ledger.ts";
import type { LogReader } from "./log-reader.ts";
import { openLogReader } from "./open-log-reader.ts";
import type { StoredRecord } from "./record.ts";
import { type GroupRow, selectGroups, toRecord } from "./record-rows.ts";
import { stateCode } from "./row-codes.ts";
import { migrate } from "./schema.ts";
import { SourceTable } from "./source-table.ts";
import { logError } from "./sqlite-error.ts";
import { StructureWalk, type WalkedPage } from "./structure-walk.ts";
import { readWalFrames } from "./wal-frames.ts";

/** What can be wrong with one record: its bytes, its place in the order of ids and of its group, its group at all. */
export type RecordFault = "digest" | "order" | "group";

/** What can be wrong with a log as a whole. */
export type LogFault = "unreadable" | "integrity" | "schema" | "write_ahead" | "tree" | "totals";

/** One finding on the way through a log: every record once in order of id, then the log as a whole. */
export type StructureFact =
  | { readonly type: "record"; readonly record: StoredRecord; readonly faults: readonly RecordFault[] }
  | {
      readonly type: "log";
      /** Records that were looked at. */
      readonly records: number;
      /** Leaves of the log's Merkle tree and its head, as the log itself says; 0 and empty in a file of old. */
      readonly treeSize: number;
      readonly treeRoot: Uint8Array;
      readonly faults: readonly { readonly fault: LogFault; readonly detail: string }[];
    };

type LogFact = Extract<StructureFact, { type: "log" }>;

const oldLogRecords = 512;
const groupsRemembered = 1024;
const integrityFaultsMax = 20;

/**
 * Structure and digests of a log, also one that is in use or of the earlier system; signatures, chain and sequence are
 * not looked at. Throws what openLogReader throws.
 */
export function* checkStructure(path: string): Generator<StructureFact, void> {
  const reader = openLogReader(path);
  try {
    if (reader.stats().treeRoot.length === 0) yield* checkOldLog(reader);
    else yield* checkLog(reader.path);
  } finally {
    reader.close();
  }
}

function* checkOldLog(reader: LogReader): Generator<StructureFact, void> {
  let records = 0;
  for (let afterId = 0; ; ) {
    const page = reader.records({ afterId, limit: oldLogRecords });
    for (const record of page) yield { type: "record", record, faults: record.intact ? [] : ["digest"] };
    records += page.length;
    const last = page.at(-1);
    if (!last) break;
    afterId = last.id;
  }
  const connection = Connection.readable(reader.path);
  try {
    const faults = integrityFaults(connection);
    yield { type: "log", records, treeSize: 0, treeRoot: new Uint8Array(), faults };
  } finally {
    connection.close();
  }
}

function* checkLog(path: string): Generator<StructureFact, void> {
  const connection = Connection.readable(path);
  try {
    const check = new LogCheck(connection);
    yield* check.records();
    yield check.log(path);
  } finally {
    connection.close();
  }
}

class LogCheck {
  readonly #connection: Connection;
  readonly #faults: { fault: LogFault; detail: string }[] = [];
  readonly #groupOf: (id: number) => GroupRow | undefined;
  readonly #lastSequences = new Map<number, number>();
  #records = 0;
  #lastId = 0;
  #lastPage: WalkedPage | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    const select = connection.prepare<GroupRow, [number]>(`${selectGroups} WHERE id = ?`);
    let last: GroupRow | undefined;
    this.#groupOf = (id) => {
      if (last?.id !== id) last = select.get(id) ?? undefined;
      return last;
    };
  }

  *records(): Generator<StructureFact, void> {
    try {
      const sources = new SourceTable(this.#connection, "read");
      for (const page of new StructureWalk(this.#connection).pages()) {
        for (const row of page.rows) {
          const record = this.#read(() => toRecord(row, sources.nameOf));
          if (record) yield { type: "record", record, faults: this.#faultsOf(record, Number(row.source)) };
        }
        this.#lastPage = page;
      }
    } catch (caught) {
      const error = logError(caught, "");
      if (error.code !== "log_corrupt") throw error;
      this.#faults.push({ fault: "unreadable", detail: `behind record ${this.#lastId}: ${error.message}` });
    }
  }

  log(path: string): LogFact {
    const { ledger, tree, isLast } = this.#lastPage ?? {};
    if (ledger && tree && isLast) {
      const said = bytesEqual(tree.peaks(), ledger.tree_peaks) && tree.size === ledger.tree_size;
      const detail =
        tree.size === ledger.tree_size
          ? `the root over the ${tree.size} leaves found is not the one in the ledger`
          : `${tree.size} leaves found, ${ledger.tree_size} in the ledger`;
      if (!said) this.#faults.push({ fault: "tree", detail });
      this.#checkTotals();
    }
    this.#faults.push(...integrityFaults(this.#connection), ...schemaFaults(this.#connection));
    const { brokenAt } = readWalFrames(`${path}-wal`);
    if (brokenAt !== undefined) this.#faults.push({ fault: "write_ahead", detail: `frame ${brokenAt} is broken` });
    return {
      type: "log",
      records: this.#records,
      treeSize: ledger?.tree_size ?? 0,
      treeRoot: ledger ? new CompactRange(ledger.tree_size, ledger.tree_peaks).root() : new Uint8Array(),
      faults: this.#faults,
    };
  }

  #read(read: () => StoredRecord): StoredRecord | undefined {
    try {
      return read();
    } catch (caught) {
      if (!(caught instanceof AmoskysError) || caught.code !== "log_corrupt") throw caught;
      this.#faults.push({ fault: "unreadable", detail: caught.message });
      return undefined;
    }
  }

  #faultsOf(record: StoredRecord, source: number): RecordFault[] {
    const faults: RecordFault[] = [];
    if (!record.intact) faults.push("digest");
    if (record.id <= this.#lastId || !this.#followsInItsGroup(record)) faults.push("order");
    if (!this.#fitsItsGroup(record, source)) faults.push("group");
    this.#lastId = record.id;
    this.#records += 1;
    return faults;
  }

  // groups are appended in order of sequence, some of them at the same time
  #followsInItsGroup({ groupId, sequence }: StoredRecord): boolean {
    if (groupId === undefined) return true;
    const before = this.#lastSequences.get(groupId) ?? 0;
    this.#lastSequences.delete(groupId);
    this.#lastSequences.set(groupId, sequence);
    if (this.#lastSequences.size > groupsRemembered) {
      this.#lastSequences.delete(this.#lastSequences.keys().next().value as number);
    }
    return sequence > before;
  }

  #fitsItsGroup(record: StoredRecord, source: number): boolean {
    if (record.groupId === undefined) return record.form !== "leaf";
    const group = this.#groupOf(record.groupId);
    if (!group || group.source !== source) return false;
    const place = record.sequence - group.firstSequence;
    return place >= 0 && place < group.size && record.id >= group.firstId && record.id <= group.lastId;
  }

  // one snapshot for both sides, since a log in use goes on
  #checkTotals(): void {
    this.#connection.run("BEGIN");
    try {
      const [ledger] = this.#connection.all<LedgerRow>("SELECT * FROM ledger");
      const counted = this.#connection.all<{ state: number; count: number; bytes: number }>(
        "SELECT state, count(*) AS count, sum(length(bytes)) AS bytes FROM records GROUP BY state",
      );
      for (const [state, said] of Object.entries(ledger ? totalsOf(ledger) : {})) {
        const code = stateCode.encode(state as StoredRecord["state"]);
        const found = counted.find((row) => row.state === code) ?? { count: 0, bytes: 0 };
        if (found.count === said.count && found.bytes === said.bytes) continue;
        const detail = `${found.count} ${state} records of ${found.bytes} bytes, ${said.count} of ${said.bytes} said`;
        this.#faults.push({ fault: "totals", detail });
      }
      const miscounted = this.#connection.scalar<number>(`SELECT count(*) FROM groups WHERE pending <>
        (SELECT count(*) FROM records WHERE id BETWEEN first_id AND last_id AND group_id = groups.id
          AND state = ${stateCode.encode("pending")})`);
      if (miscounted > 0)
        this.#faults.push({ fault: "totals", detail: `${miscounted} groups miscount what is pending` });
    } finally {
      this.#connection.rollback();
    }
  }
}

function integrityFaults(connection: Connection): { fault: LogFault; detail: string }[] {
  try {
    const rows = connection.all<{ integrity_check: string }>(`PRAGMA integrity_check(${integrityFaultsMax})`);
    return rows
      .map((row) => row.integrity_check)
      .filter((detail) => detail !== "ok")
      .map((detail) => ({ fault: "integrity", detail }));
  } catch (caught) {
    return [{ fault: "integrity", detail: logError(caught, "").message }];
  }
}

/** What of a log's schema is not what this code makes: a trigger, for one, that somebody put in. */
function schemaFaults(connection: Connection): { fault: LogFault; detail: string }[] {
  const fresh = Connection.memory();
  try {
    migrate(fresh);
    const describe = (of: Connection): Map<string, string> =>
      new Map(
        of
          .all<{ name: string; sql: string | null }>("SELECT name, sql FROM sqlite_schema")
          .map(({ name, sql }) => [name, sql ?? ""]),
      );
    const [wanted, found] = [describe(fresh), describe(connection)];
    return [...new Set([...wanted.keys(), ...found.keys()])]
      .filter((name) => wanted.get(name) !== found.get(name))
      .map((name) => ({ fault: "schema", detail: `${name} is not what it should be` }));
  } catch (caught) {
    return [{ fault: "schema", detail: logError(caught, "").message }];
  } finally {
    fresh.close();
  }
}
