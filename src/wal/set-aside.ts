import { closeSync, existsSync, fsyncSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../core/errors.ts";

/** What SQLite keeps beside a database, which belongs to it. */
const companions = ["-wal", "-shm", "-journal"] as const;

/** Makes what was renamed or created in a folder durable; where a file system has no such thing, nothing. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } catch (caught) {
    if (errnoOf(caught) !== "EINVAL") throw caught;
  } finally {
    closeSync(fd);
  }
}

/** A free name beside `path`, with what happened to it and when: `NAME.damaged-20260131T120000Z`. */
export function asideName(path: string, kind: "damaged" | "old", nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const name = `${path}.${kind}-${stamp}`;
  for (let i = 1; ; i += 1) {
    const candidate = i === 1 ? name : `${name}-${i}`;
    if (!["", ...companions].some((suffix) => existsSync(candidate + suffix))) return candidate;
  }
}

/** Renames a file with its companions. The file itself goes first: without it the path counts as empty. */
export function setAside(path: string, aside: string): void {
  for (const suffix of ["", ...companions]) renameIfThere(path + suffix, aside + suffix);
  syncFolder(dirname(path));
}

/** Whether there are companions without their database: a crash in the middle of setAside, or a database removed. */
export function hasOrphans(path: string): boolean {
  return companions.some((suffix) => existsSync(path + suffix));
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (caught) {
    if (errnoOf(caught) !== "ENOENT") throw caught;
  }
}
