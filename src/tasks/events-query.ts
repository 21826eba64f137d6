import { AmoskysError } from "../core/errors.ts";
import { statOf } from "../core/system-error.ts";
import { openLogReader } from "../wal/index.ts";
import { type RecordSelection, selectRecords } from "./wal-query.ts";
import type { RecordView } from "./wal-record-view.ts";

/** Events of a bus's log, oldest first. */
export interface OpenEvents {
  readonly events: Generator<RecordView, void>;
  close(): void;
}

/** Reads the log of a bus without disturbing it. Throws `file_missing` where no bus has run, `privilege_missing`. */
export function queryEvents(path: string, selection: RecordSelection): OpenEvents {
  if (!statOf(path)) {
    throw new AmoskysError("file_missing", `There is no bus log at ${path}: no bus has run in this home`, {
      hint: "amoskys up, or amoskys events tail for a bus elsewhere",
    });
  }
  const reader = openLogReader(path);
  return { events: selectRecords(reader, selection), close: () => reader.close() };
}
