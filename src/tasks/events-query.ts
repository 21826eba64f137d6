import { AmoskysError } from "../core/errors.ts";
import { statOf } from "../core/system-error.ts";
import { openLogReader } from "../wal/index.ts";
import { type RecordSelection, selectRecords } from "./wal-query.ts";
import type { RecordView } from "./wal-record-view.ts";

/** Events of a bus's log, oldest first. */
export interface OpenEvents {
  readonly events: Generator<RecordView, void>;
  /** Whose events it has or had, once for each epoch; read only where agents are selected. */
  readonly agents: readonly string[];
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
  try {
    const agents = selection.agents ? reader.sources().map(({ source }) => source.agent) : [];
    return { events: selectRecords(reader, selection), agents, close: () => reader.close() };
  } catch (caught) {
    reader.close();
    throw caught;
  }
}
