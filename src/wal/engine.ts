import { AmoskysError } from "../core/errors.ts";
import { Connection } from "./connection.ts";

// Before 3.51.3, two connections could corrupt a file in WAL mode while the log was reset (sqlite.org/wal.html).
const versionMin = [3, 51, 3] as const;

/** Size of a page of a log, SQLite's default; salvage looks for pages of this size. */
export const pageBytes = 4096;

/** Throws `facility_missing` for a SQLite that damages logs, or whose version cannot be read. */
export function assertEngine(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [i, least] of versionMin.entries()) {
    const part = parts[i] ?? 0;
    if (part > least) return;
    if (part === least) continue;
    throw new AmoskysError(
      "facility_missing",
      `SQLite ${version} can damage logs, ${versionMin.join(".")} or later is needed`,
      { hint: "run the amoskys executable, which brings its own SQLite" },
    );
  }
}

/** The version of the SQLite in this process. */
export function engineVersion(): string {
  const connection = Connection.memory();
  try {
    return connection.scalar<string>("SELECT sqlite_version()");
  } finally {
    connection.close();
  }
}

/** Write-ahead log, a sync at every commit, no checkpoint by itself. Throws `log_io` where that cannot be had. */
export function configureWriter(connection: Connection, path: string, checkpointBytes: number): void {
  connection.run("PRAGMA busy_timeout = 2000");
  connection.run("PRAGMA trusted_schema = OFF");
  connection.run("PRAGMA cell_size_check = ON");
  connection.run("PRAGMA temp_store = MEMORY");
  connection.run("PRAGMA cache_size = -8192");
  connection.run(`PRAGMA page_size = ${pageBytes}`);
  // has an effect on new files alone; lets free pages go back to the file system piece by piece
  connection.run("PRAGMA auto_vacuum = INCREMENTAL");
  const mode = connection.scalar<string>("PRAGMA journal_mode = WAL");
  connection.run("PRAGMA synchronous = FULL");
  connection.run("PRAGMA wal_autocheckpoint = 0");
  connection.run(`PRAGMA journal_size_limit = ${checkpointBytes}`);
  const synchronous = connection.scalar<number>("PRAGMA synchronous");
  if (mode === "wal" && synchronous === 2) return;
  throw new AmoskysError(
    "log_io",
    `log ${path} cannot have a write-ahead log here (journal ${mode}, synchronous ${synchronous})`,
    { hint: "put the log on a local disk" },
  );
}
