import { closeSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";

const chunkBytes = 65_536;

/**
 * Space kept beside the log for a full disk: deleting rows writes too, so without it nothing could be settled or pruned
 * and no space would ever come back. It holds noise, which no file system can store in less.
 */
export class Ballast {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = `${path}.ballast`;
    this.#bytes = bytes;
  }

  /** What it holds now. */
  get bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Gives the space back to the disk; answers whether there was any. */
  drop(): boolean {
    try {
      unlinkSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }

  /** Takes the space, unless it has it already; answers whether it has it now. */
  take(): boolean {
    if (this.bytes === this.#bytes) return true;
    try {
      this.#fill();
      return true;
    } catch {
      this.drop();
      return false;
    }
  }

  #fill(): void {
    const noise = crypto.getRandomValues(new Uint8Array(chunkBytes));
    const fd = openSync(this.#path, "w", 0o600);
    try {
      for (let rest = this.#bytes; rest > 0; ) rest -= writeSync(fd, noise, 0, Math.min(rest, chunkBytes));
    } finally {
      closeSync(fd);
    }
  }
}
