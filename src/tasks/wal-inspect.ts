import { type LogReader, type LogStats, openLogReader, type RangeRow, type SourceHead } from "../wal/index.ts";
import { type RecordSelection, selectRecords } from "./wal-query.ts";
import type { RecordView } from "./wal-record-view.ts";

/** What a log is as a whole. */
export interface LogSummary {
  readonly path: string;
  readonly stats: LogStats;
  readonly sources: readonly SourceHead[];
  readonly ranges: readonly RangeRow[];
  /** The sender's time of the first and the last record. */
  readonly firstNs: bigint | undefined;
  readonly lastNs: bigint | undefined;
}

/** A log that is looked into. */
export interface OpenInspection {
  readonly summary: LogSummary;
  /** The records that were asked for, oldest first, opened one page at a time. */
  readonly records: Generator<RecordView, void>;
  close(): void;
}

/** Looks into a log without disturbing who writes it. Throws `file_missing`, `log_foreign` or `log_corrupt`. */
export function inspectLog(path: string, selection: RecordSelection): OpenInspection {
  const reader = openLogReader(path);
  try {
    return {
      summary: summarise(reader),
      records: selectRecords(reader, selection),
      close: () => reader.close(),
    };
  } catch (caught) {
    reader.close();
    throw caught;
  }
}

function summarise(reader: LogReader): LogSummary {
  const stats = reader.stats();
  const [first] = reader.records({ limit: 1 });
  const [last] = reader.records({ limit: 1, newestFirst: true });
  const tables = { sources: reader.sources(), ranges: reader.ranges() };
  return { path: reader.path, stats, ...tables, firstNs: first?.tsNs, lastNs: last?.tsNs };
}
