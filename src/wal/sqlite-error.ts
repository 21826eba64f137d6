import { AmoskysError, type ErrorCode, errnoOf } from "../core/errors.ts";

/** SQLite's result codes (sqlite.org/rescode.html) by the beginning of their names; the first that fits counts. */
const errorCodes: readonly (readonly [string, ErrorCode])[] = [
  ["SQLITE_FULL", "disk_full"],
  // The index beside the write-ahead file could not grow: nothing was written or synced, so it is space alone.
  ["SQLITE_IOERR_SHMSIZE", "disk_full"],
  ["SQLITE_IOERR_CORRUPTFS", "log_corrupt"],
  ["SQLITE_IOERR", "log_io"],
  ["SQLITE_BUSY", "log_locked"],
  ["SQLITE_LOCKED", "log_locked"],
  ["SQLITE_CORRUPT", "log_corrupt"],
  ["SQLITE_NOTADB", "log_corrupt"],
  ["SQLITE_CANTOPEN", "log_io"],
  ["SQLITE_READONLY", "log_io"],
  ["SQLITE_PERM", "log_io"],
  ["SQLITE_PROTOCOL", "log_io"],
  ["ENOSPC", "disk_full"],
  ["EDQUOT", "disk_full"],
];

interface Text {
  readonly what: string;
  hint(path: string): string;
}

const texts: Partial<Record<ErrorCode, Text>> = {
  disk_full: { what: "has no space left on its disk", hint: () => "free space on the disk; it goes on by itself" },
  log_io: { what: "cannot be read or written", hint: () => "check the disk and the kernel log, then restart" },
  log_locked: { what: "is being written by another program", hint: () => "amoskys status" },
  log_corrupt: { what: "is damaged", hint: (path) => `amoskys wal verify ${path}` },
};

/** Turns what SQLite or the file system threw into `disk_full`, `log_io`, `log_locked`, `log_corrupt` or `internal`. */
export function logError(caught: unknown, path: string): AmoskysError {
  if (caught instanceof AmoskysError) return caught;
  const name = errnoOf(caught) ?? "";
  const code = errorCodes.find(([prefix]) => name.startsWith(prefix))?.[1];
  const text = code && texts[code];
  const why = caught instanceof Error ? caught.message : String(caught);
  if (!code || !text) {
    return new AmoskysError("internal", `log ${path}: ${why}`, { cause: caught, details: { sqlite: name } });
  }
  const message = `log ${path} ${text.what} (${name}: ${why})`;
  return new AmoskysError(code, message, {
    hint: text.hint(path),
    cause: caught,
    details: { path, sqlite: name },
  });
}

/** Whether the log must not be written any more after this error, since what is on the disk is not known. */
export function endsWriting(error: AmoskysError): boolean {
  return error.code === "log_io" || error.code === "log_corrupt";
}
