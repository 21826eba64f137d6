import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { systemError } from "../core/system-error.ts";

const othersWrite = 0o002;
const sticky = 0o1000;

function refuse(path: string, why: string, hint?: string, cause?: unknown): AmoskysError {
  return new AmoskysError("identity_invalid", `${path} ${why}`, { hint, cause });
}

/** Who can write in the folder of a file, or in that of the file a link leads to, can put another in its place. */
function assertFolders(path: string): void {
  for (const folder of new Set([dirname(path), dirname(realpathSync(path))])) {
    const { mode } = statSync(folder);
    if ((mode & othersWrite) === 0 || (mode & sticky) !== 0) continue;
    throw refuse(folder, "can be written by everybody", `chmod o-w ${folder}`);
  }
}

/** What failed while a file of the identity was opened. */
export function readError(caught: unknown, path: string): AmoskysError {
  const errno = errnoOf(caught);
  const denied = systemError(caught, path);
  if (denied?.code === "privilege_missing") return denied;
  const why = errno === "ENOENT" ? "does not exist" : `cannot be read: ${errno ?? String(caught)}`;
  const hint = errno === "ENOENT" ? `${missingHint(path)}` : `ls -ld ${path}`;
  return refuse(path, why, hint, caught);
}

/** Where a file that is missing comes from, by what its name says it is. */
function missingHint(path: string): string {
  if (path.endsWith(".yaml")) return "amoskys trust import FILE, or amoskys trust add NAME --key FILE";
  return `amoskys certs init where the bus runs; elsewhere copy ${basename(path)} from there`;
}

function readOpenFile(fd: number, path: string, bytesMax: number): string {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw refuse(path, "is no regular file");
  if ((stats.mode & othersWrite) !== 0) throw refuse(path, "can be written by everybody", `chmod o-w ${path}`);
  if (stats.size > bytesMax) throw refuse(path, `is ${stats.size} bytes, more than ${bytesMax}`);
  const bytes = readFileSync(fd);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (caught) {
    throw refuse(path, "is not UTF-8 text", undefined, caught);
  }
}

/**
 * Reads a file that everybody may read and not everybody may write, such as a certificate or the trust map. Throws
 * `privilege_missing` where we may not read it, `identity_invalid` where it is missing, no regular file, larger than
 * `bytesMax`, not UTF-8, or where everybody can
 * write it or its folder.
 */
export function readPublicFile(path: string, bytesMax: number): string {
  let fd: number | undefined;
  try {
    assertFolders(path);
    // without O_NONBLOCK the opening of a FIFO waits for a writer
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return readOpenFile(fd, path, bytesMax);
  } catch (caught) {
    if (caught instanceof AmoskysError) throw caught;
    throw readError(caught, path);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
