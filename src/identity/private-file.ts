import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { readError } from "./public-file.ts";

const othersAny = 0o007;
const groupAny = 0o070;
const groupBeyondRead = 0o030;
const groupWrite = 0o020;
const othersWrite = 0o002;
const sticky = 0o1000;

export interface PrivateFileOptions {
  /** More than this is refused unread. */
  readonly bytesMax: number;
  /** Lets the file's group read it, and share its folder; default false. */
  readonly allowGroupRead?: boolean | undefined;
}

/** How often a file that is just being replaced is opened again. */
const triesMax = 3;

function refuse(path: string, why: string, hint?: string): AmoskysError {
  return new AmoskysError("identity_invalid", `${path} ${why}`, { hint });
}

function modeText(stats: Stats): string {
  return (stats.mode & 0o7777).toString(8).padStart(4, "0");
}

/** Whether a file or folder belongs to the user that this process acts as, or to root. */
function ownedByUs(stats: Stats): boolean {
  const uid = process.geteuid?.();
  return uid === undefined || stats.uid === uid || stats.uid === 0;
}

function assertFolder(folder: string, allowGroup: boolean): void {
  const stats = statSync(folder);
  if (!ownedByUs(stats)) {
    throw refuse(folder, `belongs to another user (${stats.uid}), who could replace keys in it`, `ls -ld ${folder}`);
  }
  const loose = othersWrite | (allowGroup ? 0 : groupWrite);
  if ((stats.mode & loose) !== 0 && (stats.mode & sticky) === 0) {
    throw refuse(
      folder,
      `can be written by others (mode ${modeText(stats)}), who could replace keys in it`,
      `chmod go-w ${folder}`,
    );
  }
}

function assertFile(path: string, stats: Stats, options: PrivateFileOptions): void {
  if (!stats.isFile()) throw refuse(path, "is no regular file");
  if (!ownedByUs(stats)) throw refuse(path, `belongs to another user (${stats.uid})`, `ls -l ${path}`);
  const loose = othersAny | (options.allowGroupRead ? groupBeyondRead : groupAny);
  if ((stats.mode & loose) !== 0) {
    throw refuse(path, `can be used by others (mode ${modeText(stats)})`, `chmod 600 ${path}`);
  }
  if (stats.nlink !== 1) {
    throw refuse(path, `has ${stats.nlink} names (hard links), one of which others may know`, `ls -li ${path}`);
  }
  if (stats.size > options.bytesMax) throw refuse(path, `is ${stats.size} bytes, more than ${options.bytesMax}`);
}

/**
 * Where an open file lies: Linux says so. Elsewhere the path is looked up again and must lead to the same inode, which
 * leaves a moment to whoever can write in the folder; those were refused before.
 */
function pathOfOpenFile(fd: number, path: string, stats: Stats): string | undefined {
  try {
    return realpathSync(`/proc/self/fd/${fd}`);
  } catch {
    const again = realpathSync(path);
    const found = lstatSync(again);
    return found.ino === stats.ino && found.dev === stats.dev ? again : undefined;
  }
}

function readAll(fd: number, path: string, bytesMax: number): Uint8Array {
  const buffer = new Uint8Array(bytesMax + 1);
  let length = 0;
  while (length < buffer.length) {
    const n = readSync(fd, buffer, length, buffer.length - length, null);
    if (n === 0) break;
    length += n;
  }
  if (length > bytesMax) throw refuse(path, `is more than ${bytesMax} bytes`);
  const bytes = buffer.slice(0, length);
  buffer.fill(0);
  return bytes;
}

/** Opens what `path` leads to inside its folder, runs `use` on it, and closes it again. */
function withOpenFile<T>(path: string, options: PrivateFileOptions, use: (fd: number, real: string) => T): T {
  const folder = realpathSync(dirname(path));
  const real = realpathSync(join(folder, basename(path)));
  if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    throw refuse(path, "is a link that leads out of its folder", `ls -l ${path}`);
  }
  for (const each of new Set([folder, dirname(real)])) assertFolder(each, options.allowGroupRead === true);
  // without O_NONBLOCK the opening of a FIFO waits for a writer
  const fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return use(fd, real);
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a file that only we may know. Owner, mode, kind and size are those of the file that was opened, not of the
 * path; links may lead about inside its own folder, as those of Kubernetes secrets do, and never out of it. Throws
 * `privilege_missing` where we may not read it, `identity_invalid` where anything is not as it must be.
 */
export function readPrivateFile(path: string, options: PrivateFileOptions): Uint8Array {
  try {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const bytes = withOpenFile(path, options, (fd, real) => {
        const stats = fstatSync(fd);
        if (pathOfOpenFile(fd, real, stats) !== real) return undefined;
        assertFile(path, stats, options);
        return readAll(fd, path, options.bytesMax);
      });
      if (bytes) return bytes;
    }
    throw refuse(path, "is replaced again and again while it is opened");
  } catch (caught) {
    if (caught instanceof AmoskysError) throw caught;
    throw readError(caught, path);
  }
}
