import type { Statement } from "bun:sqlite";
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import type { Ballast } from "./ballast.ts";
import type { Connection } from "./connection.ts";
import { pageBytes } from "./engine.ts";
import type { FilePlace } from "./file-place.ts";

/** A checkpoint is due at its size and comes behind the commit that reached it. */
const walShare = 3 / 2;

export interface DiskRoomParts {
  readonly path: string;
  readonly connection: Connection;
  readonly ballast: Ballast;
  readonly ballastBytes: number;
  readonly checkpointBytes: number;
  readonly place: FilePlace;
}

/**
 * What an ordinary user may still write where a path lies; undefined where that cannot be asked, or the file system
 * does not count (a tmpfs without limit says 0 of 0).
 */
function freeBytesOf(path: string): number | undefined {
  try {
    const { bsize, blocks, bavail } = statfsSync(path);
    return blocks > 0 ? bavail * bsize : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What records may still take on the log's disk. What settling and pruning need is not theirs: the ballast, a whole
 * write-ahead file, and what the next checkpoint adds to the database. Without that reserve a log that fills its own
 * disk could never give anything back.
 */
export class DiskRoom {
  readonly #parts: DiskRoomParts;
  readonly #folder: string;
  readonly #pages: Statement<{ page_count: number }, []>;
  readonly #freePages: Statement<{ freelist_count: number }, []>;

  constructor(parts: DiskRoomParts) {
    this.#parts = parts;
    this.#folder = dirname(parts.path);
    this.#pages = parts.connection.prepare("PRAGMA page_count");
    this.#freePages = parts.connection.prepare("PRAGMA freelist_count");
  }

  /** Bytes, pages that are free inside the file included; below 0 where the reserve itself is short. */
  bytes(): number {
    const { ballast, ballastBytes, checkpointBytes, place } = this.#parts;
    const free = freeBytesOf(this.#folder);
    if (free === undefined) return Number.POSITIVE_INFINITY;
    place.measure();
    const toGrow = (this.#pages.get()?.page_count ?? 0) * pageBytes - place.fileBytes;
    const reserve = ballastBytes - ballast.bytes + Math.max(0, checkpointBytes * walShare - place.walBytes);
    return free + (this.#freePages.get()?.freelist_count ?? 0) * pageBytes - Math.max(0, toGrow) - reserve;
  }

  /** Throws `disk_full` where so many bytes of records would take what the reserve is for. */
  assert(bytes: number): void {
    if (this.bytes() >= bytes) return;
    const { path } = this.#parts;
    throw new AmoskysError("disk_full", `log ${path} has no space left on its disk for more records`, {
      hint: "free space on the disk; it goes on by itself",
      details: { path },
    });
  }
}
