import { closeSync, constants, openSync, readFileSync, statSync } from "node:fs";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { Connection } from "./connection.ts";
import { logError } from "./sqlite-error.ts";

/** The right to write one log. The kernel gives it back when the process ends, however it ends. */
export interface WriterLock {
  release(): void;
}

/** Makes a file that only its owner may read, if it is not there. */
export function touchPrivate(path: string): void {
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  } catch (caught) {
    if (errnoOf(caught) !== "EEXIST") throw caught;
  }
}

/**
 * Takes the lock of the log at `path`: a file beside it that SQLite locks exclusively, so that readers of the log
 * itself are not kept out. Throws `log_locked` with the other process, where the kernel tells it.
 *
 * POSIX locks end when their process closes any descriptor of the file: nothing else may open the lock file.
 */
export function takeWriterLock(path: string): WriterLock {
  const lockPath = `${path}.lock`;
  let connection: Connection | undefined;
  try {
    touchPrivate(lockPath);
    connection = Connection.writable(lockPath);
    connection.run("PRAGMA journal_mode = MEMORY");
    connection.run("BEGIN EXCLUSIVE");
  } catch (caught) {
    connection?.close();
    const error = logError(caught, path);
    throw error.code === "log_locked" ? lockedBy(path, lockHolder(lockPath)) : error;
  }
  const held = connection;
  return {
    release: () => {
      held.rollback();
      held.close();
    },
  };
}

function lockedBy(path: string, pid: number | undefined): AmoskysError {
  const who = pid === undefined ? "another process" : pid === process.pid ? "this process already" : `process ${pid}`;
  return new AmoskysError("log_locked", `log ${path} is being written by ${who}`, {
    hint: "amoskys status",
    details: { path, pid },
  });
}

/** The process that holds a POSIX lock on a file, by /proc/locks (proc_locks(5)); undefined where that says nothing. */
function lockHolder(path: string): number | undefined {
  try {
    const inode = String(statSync(path).ino);
    for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
      const [, pid, device] = / POSIX .* (\d+) (\S+:\S+:\d+) /.exec(line) ?? [];
      if (device?.split(":")[2] === inode && Number(pid) > 0) return Number(pid);
    }
  } catch {
    return undefined;
  }
  return undefined;
}
