import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";

export interface OpenLogOptions {
  readonly path: string;
  /** Whose log it is: an agent's prune removes what is settled, the bus keeps it until its budget is reached. */
  readonly role: "agent" | "bus";
  /** What the records may take, counted as in `LogStats.liveBytes`. */
  readonly budgetBytes: number;
  readonly observer?: Observer | undefined;
  readonly clock?: Clock | undefined;
  /** Throws where the folder is on a file system that a log must not lie on, such as a network's. */
  readonly assertLocal?: ((path: string) => void) | undefined;
  /** From which size of the write-ahead file on it is written back. Default 4 MiB. */
  readonly checkpointBytes?: number | undefined;
  /** From which size of the write-ahead file on appends are refused, because readers hold it. Default 256 MiB. */
  readonly walBytesMax?: number | undefined;
  /** After how long without a change the write-ahead file is written back. Default 2 s. */
  readonly idleMs?: number | undefined;
}

/** What was found at the path instead of a healthy log of ours, and what became of it. */
export interface LogRecovery {
  readonly cause: "damaged" | "old_schema";
  /** Where the file lies now, whole, with its companions beside it. */
  readonly setAside: string;
  /** Records taken over into the new file. */
  readonly salvaged: number;
  /** Whether anything may be missing: the caller takes a new epoch. */
  readonly lost: boolean;
  /** One line: what was wrong with it. */
  readonly reason: string;
  /** The command to run next. */
  readonly hint: string;
}

/** Figures of a log. Bytes of records are counted with `recordOverheadBytes` each. */
export interface LogStats {
  readonly records: number;
  readonly pending: number;
  readonly settled: number;
  readonly parked: number;
  /** Bytes of all records. */
  readonly liveBytes: number;
  /** Bytes of the pending records: the backlog. */
  readonly pendingBytes: number;
  readonly budgetBytes: number;
  /** Size of the database file. */
  readonly fileBytes: number;
  /** Size of the write-ahead file beside it. */
  readonly walBytes: number;
  /** The sender's time of the oldest pending record. */
  readonly oldestPendingNs: bigint | undefined;
  /** The highest record id given; 0: none. */
  readonly highest: number;
  /** When the last append was committed, milliseconds since the Unix epoch; 0: none since the log was opened. */
  readonly lastCommitMs: number;
  /** Leaves of the log's Merkle tree. */
  readonly treeSize: number;
  /** The head of that tree, 32 bytes. */
  readonly treeRoot: Uint8Array;
}

/** What a record costs on disk beside its bytes: columns, digest, index entries. */
export const recordOverheadBytes = 160;
