import type { RecordKind } from "../core/event.ts";
import type { LogReader, RecordQuery, RecordState } from "../wal/index.ts";
import { type RecordView, viewRecord } from "./wal-record-view.ts";

/** Which records of a log, in order of id. */
export interface RecordSelection {
  readonly states?: readonly RecordState[] | undefined;
  readonly kinds?: readonly RecordKind[] | undefined;
  readonly agents?: readonly string[] | undefined;
  /** The sender's time: from, inclusive, until, exclusive. Nanoseconds since the Unix epoch. */
  readonly sinceNs?: bigint | undefined;
  readonly untilNs?: bigint | undefined;
  /** The newest so many; undefined: all. */
  readonly newest?: number | undefined;
}

/** Records read at once: a page at the largest record is some 30 MiB. */
const pageRecords = 256;

/** Reads records page by page, so that a log of any size costs constant memory and no long snapshot. */
export function* selectRecords(reader: LogReader, selection: RecordSelection): Generator<RecordView, void> {
  const { newest, ...filter } = selection;
  if (newest === 0) return;
  let afterId = newest === undefined ? 0 : idBefore(reader, filter, newest);
  let left = newest ?? Number.POSITIVE_INFINITY;
  while (left > 0) {
    const page = reader.records({ ...filter, afterId, limit: Math.min(pageRecords, left) });
    for (const record of page) yield viewRecord(record);
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
    left -= page.length;
  }
}

/** The id in front of the newest `count` records that match. */
function idBefore(reader: LogReader, filter: Omit<RecordQuery, "limit" | "afterId">, count: number): number {
  let id: number | undefined;
  let left = count;
  while (left > 0) {
    const query = { ...filter, newestFirst: true, limit: Math.min(pageRecords, left) };
    const page = reader.records(id === undefined ? query : { ...query, afterId: id });
    const last = page.at(-1);
    if (!last) break;
    id = last.id;
    left -= page.length;
  }
  return id === undefined ? 0 : id - 1;
}
