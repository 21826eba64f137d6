import { lstatSync, type Stats, statSync } from "node:fs";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { Connection } from "./connection.ts";
import { applicationId, assertKnownVersion, schemaVersion } from "./schema.ts";
import { logError } from "./sqlite-error.ts";
import { readWalFrames } from "./wal-frames.ts";

/** What lies at the path of a log. */
export type Finding =
  | { readonly kind: "absent" }
  | { readonly kind: "ours" }
  | { readonly kind: "old_schema" }
  | { readonly kind: "damaged"; readonly reason: string };

// Up to this size a file is checked page by page at every opening; beyond it that is left to `wal verify`.
const checkedBytesMax = 1 << 30;

/** The columns of the table of the earlier system's logs. */
const oldColumns = ["id", "idem", "ts_ns", "bytes", "checksum"];

/**
 * Looks at what is there without writing to it. Throws `log_foreign` for what is no file of its own (a link, a pipe), a
 * database of another program and a log of a later version; what cannot be read any more is `damaged`.
 */
export function inspectFile(path: string): Finding {
  const stat = assertPlainFile(path);
  if (!stat) return { kind: "absent" };
  if (stat.size === 0) return emptyFile(path);
  const wal = readWalFrames(`${path}-wal`);
  if (wal.brokenAt !== undefined) return damaged(`frame ${wal.brokenAt} of its write-ahead file is broken`);
  try {
    return inspectThrough(() => Connection.readable(path), path, stat.size);
  } catch (caught) {
    const error = logError(caught, path);
    // a journal that has to be played back needs a writer: look past it
    if (String(error.details.sqlite).startsWith("SQLITE_READONLY")) {
      return inspectThrough(() => Connection.immutable(path), path, stat.size);
    }
    if (error.code !== "log_corrupt" && !isReadError(error)) throw error;
    return damaged(caught instanceof Error ? caught.message : String(caught));
  }
}

function inspectThrough(open: () => Connection, path: string, bytes: number): Finding {
  const connection = open();
  try {
    return inspectDatabase(connection, path, bytes);
  } finally {
    connection.close();
  }
}

/** Whether a database is a log of the earlier system. */
export function isOldSchema(connection: Connection): boolean {
  const columns = connection.all<{ name: string }>("SELECT name FROM pragma_table_info('wal')");
  return oldColumns.every((name, i) => columns[i]?.name === name);
}

function damaged(reason: string): Finding {
  return { kind: "damaged", reason: printable(reason) };
}

// SQLite would delete a write-ahead file beside an empty database.
function emptyFile(path: string): Finding {
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return walBytes > 0 ? damaged("the file is empty, its write-ahead file is not") : { kind: "absent" };
}

// A sector that the disk cannot read any more is damage like any other; errors of opening are not.
function isReadError(error: AmoskysError): boolean {
  return String(error.details.sqlite).startsWith("SQLITE_IOERR");
}

function inspectDatabase(connection: Connection, path: string, bytes: number): Finding {
  const id = connection.scalar<number>("PRAGMA application_id");
  const version = connection.scalar<number>("PRAGMA user_version");
  const tables = connection.scalar<number>("SELECT count(*) FROM sqlite_schema");
  if (tables === 0 && id === 0) return { kind: "absent" };
  if (id !== applicationId) {
    if (isOldSchema(connection)) return { kind: "old_schema" };
    throw new AmoskysError("log_foreign", `${path} is a database of another program`, {
      hint: "name another path for the log",
      details: { path, applicationId: id },
    });
  }
  assertKnownVersion(path, version);
  const fault = bytes <= checkedBytesMax ? quickCheck(connection) : undefined;
  if (fault) return damaged(fault);
  if (version === schemaVersion && connection.scalar<number>("SELECT count(*) FROM ledger") !== 1) {
    return damaged("it has no ledger");
  }
  return { kind: "ours" };
}

function quickCheck(connection: Connection): string | undefined {
  const fault = connection.scalar<string>("PRAGMA quick_check(1)");
  return fault === "ok" ? undefined : fault;
}

/** Throws `log_foreign` unless nothing or a plain file with one name lies there; answers what it is. */
export function assertPlainFile(path: string): Stats | undefined {
  let stat: Stats;
  try {
    stat = lstatSync(path);
  } catch (caught) {
    if (errnoOf(caught) === "ENOENT") return undefined;
    throw new AmoskysError("log_io", `log ${path} cannot be looked at (${errnoOf(caught)})`, { cause: caught });
  }
  const what = stat.isSymbolicLink()
    ? "a symbolic link"
    : !stat.isFile()
      ? "no file"
      : stat.nlink > 1
        ? "a file with several names"
        : undefined;
  if (!what) return stat;
  // SQLite finds the write-ahead file by the name: by another name there is another one, or none.
  throw new AmoskysError("log_foreign", `log ${path} is ${what}`, {
    hint: "name the file itself as the path of the log",
    details: { path },
  });
}
