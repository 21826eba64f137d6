import { closeSync, openSync, readSync } from "node:fs";
import { errnoOf } from "../core/errors.ts";

/** In place of a length: there is no such file, or its process has ended. */
export const gone = -1;
/** In place of a length: this user may not read it. */
export const denied = -2;

const absent = new Set(["ENOENT", "ESRCH", "ENOTDIR"]);
/** What the kernel answers where this user may not look. */
export const forbidden: ReadonlySet<string> = new Set(["EACCES", "EPERM"]);

/** Reads small files of the kernel into one buffer that is used again: what it holds counts until the next read. */
export class FileReader {
  #bytes: Buffer;
  readonly #bytesMax: number;

  /** `bytesMax` bounds what is read of any one file; the rest is left. */
  constructor(bytesFirst = 16_384, bytesMax = 16 << 20) {
    this.#bytes = Buffer.allocUnsafe(bytesFirst);
    this.#bytesMax = bytesMax;
  }

  /** What the last read found; only as far as the length it answered. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** One read(2), for files that the kernel hands out whole: its length, `gone` or `denied`. Throws on other errors. */
  readOnce(path: string, lengthMax = this.#bytes.length): number {
    return this.#read(path, (fd) => readSync(fd, this.#bytes, 0, Math.min(lengthMax, this.#bytes.length), null));
  }

  /** Reads to the end, in as many read(2) as it takes: its length, `gone` or `denied`. Throws on other errors. */
  readWhole(path: string): number {
    return this.#read(path, (fd) => {
      let length = 0;
      while (length < this.#bytesMax) {
        if (length === this.#bytes.length) this.#grow();
        const read = readSync(fd, this.#bytes, length, this.#bytes.length - length, null);
        if (read === 0) break;
        length += read;
      }
      return length;
    });
  }

  /** The whole file as text, with U+FFFD for bytes that are no UTF-8; undefined where it is gone or denied. */
  readText(path: string): string | undefined {
    const length = this.readWhole(path);
    return length < 0 ? undefined : this.#bytes.toString("utf8", 0, length);
  }

  #read(path: string, take: (fd: number) => number): number {
    let fd = -1;
    try {
      fd = openSync(path, "r");
      return take(fd);
    } catch (caught) {
      const errno = errnoOf(caught) ?? "";
      if (absent.has(errno)) return gone;
      if (forbidden.has(errno)) return denied;
      throw caught;
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.min(this.#bytes.length * 4, this.#bytesMax));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}
