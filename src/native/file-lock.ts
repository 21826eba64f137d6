import { constants } from "node:os";
import { systemClock } from "../core/clock.ts";
import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

// sys/file.h
const LOCK_EX = 2;
const LOCK_NB = 4;
const lockEveryMs = 10;

/**
 * Takes flock(2) of an open file or folder for this process alone, and waits at most `waitMs` for another one that has
 * it; the kernel takes it back when the descriptor is closed, be it by the end of the process. Answers whether it was
 * had in time; throws `facility_missing` where the file system has no locks.
 */
export function lockFile(fd: number, path: string, waitMs: number): boolean {
  const giveUpMs = systemClock.monotonicMs() + waitMs;
  while (libc().flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const failed = errno();
    if (failed !== constants.errno.EWOULDBLOCK) {
      throw systemError({ call: "flock", errno: failed, what: `Cannot lock ${path}` });
    }
    if (systemClock.monotonicMs() >= giveUpMs) return false;
    Bun.sleepSync(lockEveryMs);
  }
  return true;
}
