import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Ballast } from "./ballast.ts";
import { Connection } from "./connection.ts";
import { assertEngine, configureWriter, engineVersion } from "./engine.ts";
import { assertPlainFile, inspectFile } from "./inspect-file.ts";
import { Log } from "./log.ts";
import type { LogRecovery, OpenLogOptions } from "./log-options.ts";
import { createLogParts, type LogSettings, logSettings } from "./log-parts.ts";
import { preparePath } from "./prepare-path.ts";
import { salvage } from "./salvage.ts";
import { migrate } from "./schema.ts";
import { asideName, hasOrphans, setAside, syncFolder } from "./set-aside.ts";
import { logError } from "./sqlite-error.ts";
import { takeWriterLock, touchPrivate, type WriterLock } from "./writer-lock.ts";

const salvageSuffix = ".salvage";
/** Under this key a salvaged log says what it was made of, until it has taken the place of that. */
const recoveryKey = "recovery";

/**
 * Opens the log at a path for writing, making folder and file if they are not there and bringing an older version to
 * this one. What is damaged is set aside whole and salvaged, a file of the earlier system is set aside; both are told
 * in `recovery`, and the log is usable. Throws `log_locked` (another writer), `log_foreign` (not ours to touch),
 * `facility_missing` (a SQLite that damages files), `log_io`, `disk_full`.
 */
export function openLog(options: OpenLogOptions): Log {
  assertEngine(engineVersion());
  const settings = logSettings({ ...options, path: preparePath(options.path) });
  const { path } = settings;
  options.assertLocal?.(dirname(path));
  assertPlainFile(path);
  const lock = takeWriterLock(path);
  try {
    return openWithRoom(settings, lock);
  } catch (caught) {
    lock.release();
    throw logError(caught, path);
  }
}

/** Opening writes a little too: on a full disk into the space that was kept for such a time. */
function openWithRoom(settings: LogSettings, lock: WriterLock): Log {
  try {
    return openHealthy(settings, lock);
  } catch (caught) {
    const ballast = new Ballast(settings.path, settings.ballastBytes);
    if (logError(caught, settings.path).code !== "disk_full" || !ballast.drop()) throw caught;
    return openHealthy(settings, lock);
  }
}

function openHealthy(settings: LogSettings, lock: WriterLock): Log {
  const { path, checkpointBytes } = settings;
  const recovery = recover(settings);
  touchPrivate(path);
  const connection = Connection.writable(path);
  try {
    configureWriter(connection, path, checkpointBytes);
    migrate(connection);
    syncFolder(dirname(path));
    return new Log(createLogParts(settings, connection, lock, recovery));
  } catch (caught) {
    connection.close();
    throw caught;
  }
}

/** Makes room for a healthy log at the path, where something else lies there or a crash left this half done. */
function recover(settings: LogSettings): LogRecovery | undefined {
  const { path, clock } = settings;
  const finding = inspectFile(path);
  switch (finding.kind) {
    case "ours":
      return undefined;
    case "absent":
      return existsSync(path) ? undefined : finishRecovery(path, clock.wallMs());
    case "old_schema":
      return setOldAside(path, clock.wallMs());
    case "damaged":
      prepareSalvage(settings, finding.reason);
      return finishRecovery(path, clock.wallMs());
  }
}

function setOldAside(path: string, nowMs: number): LogRecovery {
  const aside = asideName(path, "old", nowMs);
  setAside(path, aside);
  return {
    cause: "old_schema",
    setAside: aside,
    salvaged: 0,
    lost: false,
    reason: "it is a log of the earlier system",
    hint: `amoskys wal inspect ${aside}`,
  };
}

// From here on a crash is mended by the next opening: first the salvaged log is made whole beside the damaged one, then
// the damaged one is renamed, then the salvaged one takes its place.
function prepareSalvage(settings: LogSettings, reason: string): void {
  const { path, clock } = settings;
  const target = path + salvageSuffix;
  const { records } = salvage(path, target, settings);
  const aside = asideName(path, "damaged", clock.wallMs());
  const recovery: LogRecovery = {
    cause: "damaged",
    setAside: aside,
    salvaged: records,
    lost: true,
    reason,
    hint: `amoskys wal inspect ${path}`,
  };
  const connection = Connection.writable(target);
  try {
    connection.run("PRAGMA synchronous = FULL");
    connection.all("INSERT INTO meta (key, value) VALUES (?, ?)", recoveryKey, JSON.stringify(recovery));
  } finally {
    connection.close();
  }
  setAside(path, aside);
}

function finishRecovery(path: string, nowMs: number): LogRecovery | undefined {
  const target = path + salvageSuffix;
  const recovery = existsSync(target) ? readRecovery(target) : undefined;
  const orphans = hasOrphans(path) ? (recovery?.setAside ?? asideName(path, "damaged", nowMs)) : undefined;
  if (orphans) setAside(path, orphans);
  if (recovery) {
    renameSync(target, path);
    syncFolder(dirname(path));
    return recovery;
  }
  for (const suffix of ["", "-wal", "-shm"]) rmSync(target + suffix, { force: true });
  if (!orphans) return undefined;
  return {
    cause: "damaged",
    setAside: orphans,
    salvaged: 0,
    lost: true,
    reason: "the database was gone, its write-ahead file was not",
    hint: `ls ${orphans}*`,
  };
}

/** What a salvaged log says of itself; undefined where it was not finished. */
function readRecovery(target: string): LogRecovery | undefined {
  let connection: Connection | undefined;
  try {
    connection = Connection.immutable(target);
    const text = connection.scalar<string | undefined>("SELECT value FROM meta WHERE key = ?", recoveryKey);
    return text === undefined ? undefined : (JSON.parse(text) as LogRecovery);
  } catch {
    return undefined;
  } finally {
    connection?.close();
  }
}
