import type { Clock } from "../core/clock.ts";
import { formatBytes } from "../core/quantities.ts";
import type { Verdict } from "./ack-code.ts";

export interface DiskGateOptions {
  /** Bytes that the log's file system has left for us; undefined, or an error, where that cannot be found out. */
  readonly freeBytes: () => number | undefined;
  /** Under this nothing more is taken, so that the log never meets a full disk. */
  readonly lowBytes: number;
  readonly clock: Clock;
}

const lookMs = 500;
const hintMs = 2_000;

/** After the disk was full: how long nothing is tried, so that a full disk is not met once a call. */
const pauseMs = 1_000;

/** Asks agents to wait while the disk is short of room. Space that comes back is used without a restart. */
export class DiskGate {
  readonly #options: DiskGateOptions;
  #freeBytes: number | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: DiskGateOptions) {
    this.#options = options;
  }

  /** The answer to an event while there is no room for it. */
  refusal(): Verdict | undefined {
    const { clock, lowBytes } = this.#options;
    if (clock.monotonicMs() < this.#pausedUntilMs) {
      return { code: "disk_low", reason: "the disk of the log is full", hintMs };
    }
    const freeBytes = this.freeBytes();
    if (freeBytes === undefined)
      return { code: "disk_low", reason: "the room on the disk of the log is not known", hintMs };
    if (freeBytes >= lowBytes) return undefined;
    return { code: "disk_low", reason: `the disk of the log has ${formatBytes(freeBytes)} left`, hintMs };
  }

  /** Bytes left, as of half a second ago at most; undefined where that cannot be found out. Never throws. */
  freeBytes(): number | undefined {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#lookedMs >= lookMs) {
      this.#freeBytes = this.#look();
      this.#lookedMs = nowMs;
    }
    return this.#freeBytes;
  }

  #look(): number | undefined {
    try {
      return this.#options.freeBytes();
    } catch {
      return undefined;
    }
  }

  /** An append met a full disk. */
  markFull(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#pausedUntilMs = nowMs + pauseMs;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
  }
}
