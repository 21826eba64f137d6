import type { SQLQueryBindings } from "bun:sqlite";
import { statSync } from "node:fs";
import { bytesEqual } from "../core/bytes.ts";
import { blake2b256 } from "../core/hashes.ts";
import type { RangeRow, SourceHead } from "./append-batch.ts";
import type { Connection } from "./connection.ts";
import { costOf } from "./ledger.ts";
import type { LogStats } from "./log-options.ts";
import type { LogReader } from "./log-reader.ts";
import type { StoredGroup, StoredRecord } from "./record.ts";
import { type RecordQuery, timeCondition } from "./record-query.ts";
import { sniffForm } from "./sniff-form.ts";
import { logError } from "./sqlite-error.ts";

interface OldRow {
  readonly id: bigint;
  readonly idem: string;
  readonly tsNs: bigint;
  readonly bytes: Uint8Array;
  readonly checksum: Uint8Array;
}

const select = "SELECT id, idem, ts_ns AS tsNs, bytes, checksum FROM wal";

/**
 * Reads a log of the earlier system. Its rows name no agent. Where the checksum is a copy of the bytes, an agent wrote
 * the row and has not delivered it; where it is their BLAKE2b-256, the bus stored it.
 */
export class OldReader implements LogReader {
  readonly path: string;
  readonly #connection: Connection;

  constructor(path: string, connection: Connection) {
    this.path = path;
    this.#connection = connection;
  }

  records(query: RecordQuery): StoredRecord[] {
    if (query.agents && !query.agents.includes("")) return [];
    const found: StoredRecord[] = [];
    const time = timeCondition(query, "+ts_ns");
    const [compare, order] = query.newestFirst ? ["<", "DESC"] : [">", "ASC"];
    const sql = `${select} WHERE id ${compare} ?${time.sql} ORDER BY id ${order} LIMIT ?`;
    let after = BigInt(query.afterId ?? (query.newestFirst ? Number.MAX_SAFE_INTEGER : 0));
    while (found.length < query.limit) {
      const rows = this.#read(sql, after, ...time.params, query.limit);
      for (const row of rows) {
        const record = toStored(row);
        if (record.id > (query.throughId ?? record.id)) continue;
        const asked = (query.kinds?.includes(record.kind) ?? true) && (query.states?.includes(record.state) ?? true);
        if (asked && found.length < query.limit) found.push(record);
      }
      const last = rows.at(-1);
      if (!last || rows.length < query.limit) break;
      after = last.id;
    }
    return found;
  }

  record(): undefined {
    return undefined;
  }

  legacyRecord(agent: string, key: string): StoredRecord | undefined {
    if (agent !== "") return undefined;
    const [row] = this.#read(`${select} WHERE idem = ?`, key);
    return row && toStored(row);
  }

  group(): StoredGroup | undefined {
    return undefined;
  }

  groupLeaves(): undefined {
    return undefined;
  }

  sources(): SourceHead[] {
    return [];
  }

  head(): undefined {
    return undefined;
  }

  ranges(): RangeRow[] {
    return [];
  }

  newestRanges(): RangeRow[] {
    return [];
  }

  countSequences(): number {
    return 0;
  }

  stats(): LogStats {
    const [row] = this.#connection.all<{ count: number; bytes: number; unsent: number; unsentBytes: number }>(
      `SELECT count(*) AS count, coalesce(sum(length(bytes)), 0) AS bytes,
        count(*) FILTER (WHERE checksum = bytes) AS unsent,
        coalesce(sum(length(bytes)) FILTER (WHERE checksum = bytes), 0) AS unsentBytes FROM wal`,
    );
    const { count = 0, bytes = 0, unsent = 0, unsentBytes = 0 } = row ?? {};
    const [oldest] = this.#connection.allInt64<{ tsNs: bigint }>(
      "SELECT ts_ns AS tsNs FROM wal WHERE checksum = bytes ORDER BY id LIMIT 1",
    );
    return {
      records: count,
      pending: unsent,
      settled: count - unsent,
      parked: 0,
      liveBytes: costOf({ count, bytes }),
      pendingBytes: costOf({ count: unsent, bytes: unsentBytes }),
      budgetBytes: Number.POSITIVE_INFINITY,
      fileBytes: statSync(this.path, { throwIfNoEntry: false })?.size ?? 0,
      walBytes: statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      oldestPendingNs: oldest && BigInt.asUintN(64, oldest.tsNs),
      highest: this.highestId(),
      lastCommitMs: 0,
      treeSize: 0,
      treeRoot: new Uint8Array(),
    };
  }

  meta(): undefined {
    return undefined;
  }

  highestId(): number {
    return this.#connection.scalar<number | null>("SELECT max(id) FROM wal") ?? 0;
  }

  close(): void {
    this.#connection.close();
  }

  #read(sql: string, ...params: SQLQueryBindings[]): OldRow[] {
    try {
      return this.#connection.allInt64<OldRow>(sql, ...params);
    } catch (caught) {
      throw logError(caught, this.path);
    }
  }
}

function toStored(row: OldRow): StoredRecord {
  const { form, kind, signed } = sniffForm(row.bytes);
  const digest = blake2b256(row.bytes);
  const isCopy = bytesEqual(row.bytes, row.checksum);
  const tsNs = BigInt.asUintN(64, row.tsNs);
  return {
    id: Number(row.id),
    source: { agent: "", epoch: "" },
    sequence: 0,
    legacyKey: row.idem,
    tsNs,
    receivedNs: tsNs,
    kind,
    form,
    trust: signed ? "signed_legacy" : "unsigned",
    state: isCopy ? "pending" : "settled",
    bytes: row.bytes,
    digest: isCopy ? digest : row.checksum,
    intact: isCopy || bytesEqual(digest, row.checksum),
    groupId: undefined,
    tries: 0,
    lastTryMs: 0,
  };
}
