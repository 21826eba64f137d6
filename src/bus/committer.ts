import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { AppendBatch, AppendResult } from "../wal/index.ts";
import { stored, type Verdict } from "./ack-code.ts";
import { BatchPlan } from "./batch-plan.ts";
import type { LegacyLane } from "./legacy-lane.ts";
import type { BusLimits } from "./limits.ts";
import type { Sequencer } from "./sequencer.ts";

export interface CommitterOptions {
  readonly append: (batch: AppendBatch) => Promise<AppendResult>;
  readonly sequencer: Sequencer;
  readonly legacy: LegacyLane;
  readonly limits: Pick<BusLimits, "batchRecordsMax" | "batchBytesMax">;
  readonly clock: Clock;
  /** The stamp of what was stored last, nanoseconds since the Unix epoch. */
  readonly lastReceivedNs: bigint;
  /** A batch is in the log; `ms` is how long that took. */
  readonly onCommit: (plan: BatchPlan, ms: number) => void;
  /** The disk was full: nothing of the batch was stored. */
  readonly onDiskFull: () => void;
  /** The log failed for good: nothing is acknowledged any more. */
  readonly onFailure: (error: AmoskysError) => void;
}

const diskFull: Verdict = { code: "disk_low", reason: "the disk of the log is full", hintMs: 2_000 };
const failed: Verdict = { code: "internal", reason: "the log of the bus failed", hintMs: 5_000 };

/**
 * Group commit without a timer: while one append runs, what arrives gathers for the next. An append that fails leaves
 * nothing marked, and everybody who waited is told to try again.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #running: Promise<void> | undefined;
  #failure: AmoskysError | undefined;
  #lastFailure: AmoskysError | undefined;
  #appendingSinceMs: number | undefined;
  #receivedNs: bigint;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#receivedNs = options.lastReceivedNs;
  }

  /** The error that stopped it for good. */
  get failure(): AmoskysError | undefined {
    return this.#failure;
  }

  /** Why the last append failed; undefined after one that did not. */
  get lastFailure(): AmoskysError | undefined {
    return this.#lastFailure;
  }

  /** Something may be ready. What else arrives in this turn of the event loop goes into the same batch. */
  kick(): void {
    if (this.#running || this.#failure || !this.#hasReady()) return;
    this.#running = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#run())
      .finally(() => {
        this.#running = undefined;
        this.kick();
      });
  }

  /** How long the append that is running has been running, in milliseconds; 0 where none is. */
  appendingMs(): number {
    const sinceMs = this.#appendingSinceMs;
    return sinceMs === undefined ? 0 : Math.max(1, this.#options.clock.monotonicMs() - sinceMs);
  }

  #hasReady(): boolean {
    return this.#options.sequencer.hasReady || this.#options.legacy.hasReady;
  }

  async #run(): Promise<void> {
    const { sequencer, legacy, limits, clock, append } = this.#options;
    while (!this.#failure && this.#hasReady()) {
      const plan = new BatchPlan(limits, this.#stamp());
      legacy.collect(plan);
      sequencer.collect(plan);
      const startedMs = clock.monotonicMs();
      this.#appendingSinceMs = startedMs;
      try {
        if (!plan.isEmpty) await append(plan.batch);
      } catch (caught) {
        this.#fail(plan, AmoskysError.from(caught));
        continue;
      } finally {
        this.#appendingSinceMs = undefined;
      }
      sequencer.commit();
      legacy.land();
      if (plan.isEmpty) continue;
      this.#lastFailure = undefined;
      this.#options.onCommit(plan, clock.monotonicMs() - startedMs);
      plan.settle(stored);
    }
  }

  /** Never earlier than the one before: subscribers find a time by its records, also after the clock was set back. */
  #stamp(): bigint {
    const nowNs = this.#options.clock.wallNs();
    if (nowNs > this.#receivedNs) this.#receivedNs = nowNs;
    return this.#receivedNs;
  }

  #fail(plan: BatchPlan, error: AmoskysError): void {
    const { sequencer, legacy } = this.#options;
    this.#lastFailure = error;
    const passing = error.code === "disk_full";
    const verdict = passing ? diskFull : failed;
    sequencer.rollBack();
    legacy.land();
    sequencer.dismiss(verdict);
    legacy.dismiss(verdict);
    plan.settle(verdict);
    if (passing) {
      this.#options.onDiskFull();
      return;
    }
    this.#failure = error;
    this.#options.onFailure(error);
  }
}
