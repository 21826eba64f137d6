import type { Statement } from "bun:sqlite";
import type { Connection } from "./connection.ts";
import { pageBytes } from "./engine.ts";

// A frame of the write-ahead file is a page with a header (sqlite.org/fileformat2.html, section 4.1).
const frameBytes = pageBytes + 24;

// From this many times the ordinary size on, a checkpoint waits a moment for readers.
const waitFactor = 4;
const waitMs = 200;
const busyTimeoutMs = 2000;

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Decides when the write-ahead file is written back into the database. Readers hold frames in place as long as their
 * snapshot lives: what cannot be written back now is tried again when the file has grown by a quarter.
 */
export class Checkpointer {
  readonly #connection: Connection;
  readonly #limitBytes: number;
  readonly #look: Statement<CheckpointRow, []>;
  readonly #passive: Statement<CheckpointRow, []>;
  readonly #restart: Statement<CheckpointRow, []>;
  readonly #truncate: Statement<CheckpointRow, []>;
  #nextAtBytes: number;
  #seenBytes = 0;

  constructor(connection: Connection, limitBytes: number) {
    this.#connection = connection;
    this.#limitBytes = limitBytes;
    this.#nextAtBytes = limitBytes;
    this.#look = connection.prepare("PRAGMA wal_checkpoint(NOOP)");
    this.#passive = connection.prepare("PRAGMA wal_checkpoint(PASSIVE)");
    this.#restart = connection.prepare("PRAGMA wal_checkpoint(RESTART)");
    this.#truncate = connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Bytes of frames in the write-ahead file that the next commit cannot overwrite. */
  usedBytes(): number {
    const row = this.#look.get();
    return row && row.log > row.checkpointed ? row.log * frameBytes : 0;
  }

  /** Writes back if enough has gathered; answers whether it tried. Throws what SQLite throws. */
  afterCommit(): boolean {
    const used = this.usedBytes();
    if (used < this.#seenBytes) this.#nextAtBytes = this.#limitBytes;
    this.#seenBytes = used;
    if (used < this.#nextAtBytes) return false;
    this.#nextAtBytes = used + this.#limitBytes / 4;
    if (used >= waitFactor * this.#limitBytes) this.#waiting(this.#restart, waitMs);
    else this.#passive.get();
    return true;
  }

  /** Writes back all there is and gives the file's space back, unless readers hold it for longer than `patienceMs`. */
  all(patienceMs: number): void {
    this.#waiting(this.#truncate, patienceMs);
  }

  #waiting(statement: Statement<CheckpointRow, []>, patienceMs: number): void {
    this.#connection.run(`PRAGMA busy_timeout = ${patienceMs}`);
    try {
      statement.get();
    } finally {
      this.#connection.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    }
  }
}
