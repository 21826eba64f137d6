import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { lockFile } from "../native/index.ts";
import { writeError } from "./write-error.ts";

/** A file that is to come into being. */
export interface NewFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
}

/** Files that are complete and synced, and about to be moved to their places. */
const readyName = ".pending";
const unfinishedPrefix = ".unfinished-";
const placesName = "places.json";
/** Placing files takes milliseconds, more on a busy disk. */
const waitMsMax = 3000;

/** Syncs a folder: names in it are durable afterwards. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes a file that does not exist yet, with exactly this mode, and syncs it. */
function writeNewFile(path: string, content: string | Uint8Array, mode: number): void {
  const fd = openSync(path, "wx", mode);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Moves a file to a place where none is; throws EEXIST where one is. */
function moveToNew(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (caught) {
    // what is left are file systems without hard links, and a place on another file system
    if (errnoOf(caught) === "EEXIST" || errnoOf(caught) === "ENOENT") throw caught;
    if (existsSync(to)) throw Object.assign(new Error(`${to} exists`), { code: "EEXIST" });
    const copy = `${to}.copy`;
    rmSync(copy, { force: true });
    writeNewFile(copy, readFileSync(from), statSync(from).mode & 0o777);
    giveToOwner(copy, dirname(to));
    renameSync(copy, to);
  }
  unlinkSync(from);
}

/** Whether a change to the files of a folder broke off after it was decided. */
export function hasPendingFiles(folder: string): boolean {
  return existsSync(join(folder, readyName));
}

/** One process at a time makes and moves files; its end frees the folder, however it ends. */
function withLock<T>(folder: string, body: () => T): T {
  const fd = openSync(folder, "r");
  try {
    if (lockFile(fd, folder, waitMsMax)) return body();
    throw new AmoskysError("identity_invalid", `Another process has been changing ${folder} for ${waitMsMax} ms`, {
      hint: `lsof ${folder}`,
    });
  } finally {
    closeSync(fd);
  }
}

/**
 * Finishes a change that broke off after it was decided; answers the files that it put into place. Never overwrites:
 * where another file lies in a place meanwhile, throws `identity_invalid`.
 */
export function finishPendingFiles(folder: string): string[] {
  return withLock(folder, () => finishLocked(folder));
}

function finishLocked(folder: string): string[] {
  const ready = join(folder, readyName);
  if (!existsSync(ready)) return [];
  const list = join(ready, placesName);
  const places = readPlaces(list);
  const placed: string[] = [];
  for (const [index, place] of places.entries()) {
    const from = join(ready, String(index));
    if (!existsSync(from)) continue;
    const to = resolve(folder, place);
    mkdirSync(dirname(to), { recursive: true });
    placeOne(from, to, ready);
    placed.push(to);
  }
  for (const parent of new Set(places.map((place) => dirname(resolve(folder, place))))) syncFolder(parent);
  rmSync(list, { force: true });
  rmdirSync(ready);
  syncFolder(folder);
  return placed;
}

/**
 * Where the files of a change go; the list goes last but for the folder itself, so without it nothing is left to do.
 */
function readPlaces(list: string): string[] {
  try {
    return JSON.parse(readFileSync(list, "utf8")) as string[];
  } catch (caught) {
    if (errnoOf(caught) === "ENOENT") return [];
    throw caught;
  }
}

function placeOne(from: string, to: string, ready: string): void {
  try {
    // a crash between the two halves of a move leaves one file with two names
    if (existsSync(to) && statSync(to).ino === statSync(from).ino) unlinkSync(from);
    else moveToNew(from, to);
  } catch (caught) {
    if (errnoOf(caught) !== "EEXIST") throw writeError(caught, to);
    throw new AmoskysError("identity_invalid", `${to} exists, and a change that broke off holds another one`, {
      hint: `rm -r ${ready}`,
      cause: caught,
    });
  }
}

/** What begins so was left by a process that ended in the middle: who makes files has the lock. */
function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(unfinishedPrefix)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Gives what root makes in the folder of another user to that user. */
function giveToOwner(path: string, folder: string): void {
  const { uid, gid } = statSync(folder);
  if (process.geteuid?.() === 0 && uid !== 0) chownSync(path, uid, gid);
}

function assertAbsent(files: readonly NewFile[]): void {
  const taken = files.find((file) => existsSync(file.path));
  if (!taken) return;
  throw new AmoskysError("identity_invalid", `${taken.path} exists already; nothing was changed`, {
    hint: "amoskys certs list",
  });
}

/** Writes all files into a folder beside their places, and decides: from the renaming on they come into being. */
function stageFiles(folder: string, files: readonly NewFile[]): void {
  const unfinished = mkdtempSync(join(folder, unfinishedPrefix));
  const places = files.map((file) => relative(folder, file.path));
  try {
    for (const [index, file] of files.entries()) {
      const path = join(unfinished, String(index));
      writeNewFile(path, file.content, file.mode);
      giveToOwner(path, folder);
    }
    writeNewFile(join(unfinished, placesName), JSON.stringify(places), 0o600);
    syncFolder(unfinished);
    renameSync(unfinished, join(folder, readyName));
  } catch (caught) {
    rmSync(unfinished, { recursive: true, force: true });
    if (errnoOf(caught) !== "ENOTEMPTY" && errnoOf(caught) !== "EEXIST") throw caught;
    throw new AmoskysError("identity_invalid", `Another change to ${folder} broke off`, {
      hint: "amoskys certs init",
      cause: caught,
    });
  }
  syncFolder(folder);
}

/**
 * Makes several files, all of them or none, also when the process or the machine ends in the middle: they are written
 * and synced beside their places (in `folder`) and moved there once they are complete; finishPendingFiles finishes a
 * move that broke off. Never overwrites: throws `identity_invalid` where one of them exists.
 */
export function placeNewFiles(folder: string, files: readonly NewFile[]): void {
  try {
    withLock(folder, () => {
      assertAbsent(files);
      removeUnfinished(folder);
      stageFiles(folder, files);
      finishLocked(folder);
    });
  } catch (caught) {
    throw writeError(caught, folder);
  }
}
