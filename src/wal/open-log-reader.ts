import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { statOf, systemError } from "../core/system-error.ts";
import { Connection } from "./connection.ts";
import { assertPlainFile, isOldSchema } from "./inspect-file.ts";
import type { LogReader } from "./log-reader.ts";
import { OldReader } from "./old-reader.ts";
import { applicationId, assertKnownVersion, schemaVersion } from "./schema.ts";
import { logError } from "./sqlite-error.ts";
import { TableReader } from "./table-reader.ts";

/**
 * Opens a log for reading, whether somebody writes it or not, and files of the earlier system. Throws `file_missing`,
 * `log_foreign` (another program's, or of a version that is not this code's), `log_corrupt` (damaged),
 * `privilege_missing` or `log_io`.
 */
export function openLogReader(path: string): LogReader {
  const absolute = resolve(path);
  if (!statOf(absolute)) {
    throw new AmoskysError("file_missing", `there is no log ${absolute}`, { hint: `ls ${dirname(absolute)}` });
  }
  const real = join(realpathSync(dirname(absolute)), basename(absolute));
  assertPlainFile(real);
  assertReadable(real);
  let connection: Connection | undefined;
  try {
    connection = connect(real);
    return chooseReader(real, connection);
  } catch (caught) {
    connection?.close();
    throw openError(caught, real);
  }
}

/** SQLite does not say why it cannot open a file. */
function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (caught) {
    throw systemError(caught, path) ?? caught;
  }
}

/** A file whose first page is no database's was none, unless what was written behind it says otherwise. */
function openError(caught: unknown, path: string): AmoskysError {
  const error = logError(caught, path);
  if (error.details.sqlite !== "SQLITE_NOTADB" || existsSync(`${path}-wal`)) return error;
  return new AmoskysError("log_foreign", `${path} is no log`, { hint: `file ${path}`, cause: caught });
}

function chooseReader(path: string, connection: Connection): LogReader {
  const id = connection.scalar<number>("PRAGMA application_id");
  if (id !== applicationId) {
    if (isOldSchema(connection)) return new OldReader(path, connection);
    throw new AmoskysError("log_foreign", `${path} is no log`, {
      hint: `file ${path}`,
      details: { path, applicationId: id },
    });
  }
  const version = connection.scalar<number>("PRAGMA user_version");
  assertKnownVersion(path, version);
  if (version < schemaVersion) {
    throw new AmoskysError("log_foreign", `log ${path} has the earlier schema version ${version}`, {
      hint: "start the role that writes it once, which brings it up to date",
    });
  }
  return new TableReader(path, connection);
}

/** Reads something at once: SQLite opens a file only then. */
function connect(path: string): Connection {
  try {
    return probed(Connection.readable(path));
  } catch (caught) {
    const { sqlite } = logError(caught, path).details;
    const noWrites = /^SQLITE_(CANTOPEN|READONLY)/.test(String(sqlite));
    if (!noWrites || existsSync(`${path}-wal`)) throw caught;
    return probed(Connection.immutable(path));
  }
}

function probed(connection: Connection): Connection {
  try {
    connection.scalar("PRAGMA schema_version");
    return connection;
  } catch (caught) {
    connection.close();
    throw caught;
  }
}
