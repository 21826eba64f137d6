import { statSync } from "node:fs";
import { AmoskysError } from "../core/errors.ts";

interface FileFacts {
  readonly inode: number;
  readonly bytes: number;
}

function look(path: string): FileFacts | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && { inode: stat.ino, bytes: stat.size };
}

/**
 * Watches that the files of an open log are still the ones at its path: one that was deleted or replaced takes writes
 * as before, and they are gone with the process.
 */
export class FilePlace {
  readonly #path: string;
  readonly #inode: number | undefined;
  #walInode: number | undefined;
  #fileBytes = 0;
  #walBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#inode = look(path)?.inode;
  }

  /** Size of the database file when last looked at. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** Size of the write-ahead file when last looked at. */
  get walBytes(): number {
    return this.#walBytes;
  }

  /** To be called after a commit, when both files exist. Throws `log_io` where one is not what it was. */
  assertUnmoved(): void {
    const file = look(this.#path);
    const wal = look(`${this.#path}-wal`);
    this.#walInode ??= wal?.inode;
    if (!file || file.inode !== this.#inode || !wal || wal.inode !== this.#walInode) {
      throw new AmoskysError("log_io", `log ${this.#path} was deleted or replaced while it was in use`, {
        hint: "restart; what was not acknowledged is sent again",
        details: { path: this.#path },
      });
    }
    this.#fileBytes = file.bytes;
    this.#walBytes = wal.bytes;
  }

  /** Looks at the sizes alone. */
  measure(): void {
    this.#fileBytes = look(this.#path)?.bytes ?? 0;
    this.#walBytes = look(`${this.#path}-wal`)?.bytes ?? 0;
  }
}
