import type { RecordKind } from "../core/event.ts";
import type { LogReader, RecordQuery, RecordState, StoredRecord } from "../wal/index.ts";
import { isOfCollectors, kindsToRead } from "./event-collector.ts";
import { type RecordView, viewRecord } from "./wal-record-view.ts";

/** Which records of a log, in order of id. */
export interface RecordSelection {
  readonly states?: readonly RecordState[] | undefined;
  readonly kinds?: readonly RecordKind[] | undefined;
  readonly agents?: readonly string[] | undefined;
  /** The log has no column for it: the records are opened to know. */
  readonly collectors?: readonly string[] | undefined;
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
  const { newest = Number.POSITIVE_INFINITY, collectors } = selection;
  if (newest === 0) return;
  const firstId = Number.isFinite(newest) ? idOfNewest(reader, selection, newest) : 1;
  if (firstId === undefined) return;
  let left = newest;
  for (const record of recordsOf(reader, selection, { afterId: firstId - 1 })) {
    const view = viewRecord(record);
    if (!isOfCollectors(view, collectors)) continue;
    yield view;
    left -= 1;
    if (left === 0) return;
  }
}

/** The first id of the newest `count` records that match; undefined where none does. */
function idOfNewest(reader: LogReader, selection: RecordSelection, count: number): number | undefined {
  const { collectors } = selection;
  let id: number | undefined;
  let left = count;
  for (const record of recordsOf(reader, selection, { newestFirst: true })) {
    if (collectors && !isOfCollectors(viewRecord(record), collectors)) continue;
    id = record.id;
    left -= 1;
    if (left === 0) break;
  }
  return id;
}

/** What matches but for the collector. */
function* recordsOf(
  reader: LogReader,
  { newest = pageRecords, collectors, ...filter }: RecordSelection,
  order: Pick<RecordQuery, "afterId" | "newestFirst">,
): Generator<StoredRecord, void> {
  const kinds = kindsToRead(filter.kinds, collectors);
  const limit = collectors ? pageRecords : Math.min(pageRecords, newest);
  let { afterId } = order;
  for (;;) {
    const page = reader.records({ ...filter, ...order, kinds, afterId, limit });
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
  }
}
