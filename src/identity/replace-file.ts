import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { systemClock } from "../core/clock.ts";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { syncFolder } from "./staged-files.ts";
import { writeError } from "./write-error.ts";

const modeDefault = 0o644;
/** A change takes milliseconds, more on a busy disk. */
const lockMsMax = 3000;
const lockEveryMs = 10;

function keepOwner(path: string, before: Stats | undefined): void {
  if (!before) return;
  chmodSync(path, before.mode & 0o7777);
  if (process.geteuid?.() === 0) chownSync(path, before.uid, before.gid);
}

/** Opens the file that a new text grows in; the one who has it keeps others out, who wait a little. */
function openLock(lock: string, path: string): number {
  const giveUpMs = systemClock.monotonicMs() + lockMsMax;
  for (;;) {
    try {
      return openSync(lock, "wx", modeDefault);
    } catch (caught) {
      if (errnoOf(caught) !== "EEXIST") throw caught;
      if (systemClock.monotonicMs() >= giveUpMs) {
        throw new AmoskysError("identity_invalid", `Another change to ${path} is under way, or one broke off`, {
          hint: `rm ${lock}`,
          cause: caught,
        });
      }
      Bun.sleepSync(lockEveryMs);
    }
  }
}

function replaceLocked(path: string, change: (exists: boolean) => string): void {
  mkdirSync(dirname(path), { recursive: true });
  // a link stays a link
  const target = existsSync(path) ? realpathSync(path) : path;
  const lock = `${target}.lock`;
  const fd = openLock(lock, path);
  try {
    const exists = existsSync(target);
    writeFileSync(fd, change(exists));
    keepOwner(lock, exists ? statSync(target) : undefined);
    fsyncSync(fd);
    renameSync(lock, target);
  } catch (caught) {
    unlinkSync(lock);
    throw caught;
  } finally {
    closeSync(fd);
  }
  syncFolder(dirname(target));
}

/**
 * Replaces a text file by what `change` answers, so that every reader finds the old text or the new one, whole. The
 * new text grows in `PATH.lock`, which also keeps a second writer out while `change` reads what there is.
 */
export function replaceFile(path: string, change: (exists: boolean) => string): void {
  try {
    replaceLocked(path, change);
  } catch (caught) {
    throw writeError(caught, path);
  }
}
