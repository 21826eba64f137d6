import type { RangeReason, RangeRow, SourceHead } from "./append-batch.ts";
import type { LogStats } from "./log-options.ts";
import type { SourceKey, StoredGroup, StoredRecord } from "./record.ts";
import type { RecordQuery } from "./record-query.ts";

/**
 * Reads a log, also one that is in use, without keeping its writer from writing back for long: every call is one or
 * more short snapshots. Throws `log_corrupt` where it meets damage. Made by `openLogReader`.
 */
export interface LogReader {
  readonly path: string;
  /** Records in order of id; newest first, if asked for. */
  records(query: RecordQuery): StoredRecord[];
  record(source: SourceKey, sequence: number): StoredRecord | undefined;
  /** By the sender's own key. */
  legacyRecord(agent: string, key: string): StoredRecord | undefined;
  /** A group with those of its records that are here. */
  group(id: number): StoredGroup | undefined;
  /** The bytes of a group's leaves in order of sequence; undefined where not all of them are here, whole, as leaves. */
  groupLeaves(id: number): Uint8Array[] | undefined;
  sources(): SourceHead[];
  /** How far one source has come; undefined where the log has none of its records. */
  head(source: SourceKey): SourceHead | undefined;
  ranges(source?: SourceKey): RangeRow[];
  /** The ranges of one source and reason with the highest sequences, no more than `limit`, in order. */
  newestRanges(source: SourceKey, reason: RangeReason, limit: number): RangeRow[];
  /** How many sequences of all sources lie in ranges of a reason. */
  countSequences(reason: RangeReason): number;
  stats(): LogStats;
  meta(key: string): string | undefined;
  /** The highest id ever given; 0: none. */
  highestId(): number;
  close(): void;
}
