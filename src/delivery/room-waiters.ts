import { leafOverheadBytesMax } from "../envelope/index.ts";
import { type Log, recordOverheadBytes } from "../wal/index.ts";
import type { EventQueue } from "./event-queue.ts";
import { readLogBudget } from "./log-budget.ts";

/** Sources that can wait go on below this part of the queue. */
const queueLow = 1 / 4;
/** The queue counts as nearly full from this part on. */
const queueHigh = 1 / 2;
/** The log counts as nearly full from this part of its budget on: sources wait then, and at all of it is shed. */
const budgetHigh = 7 / 8;

/** What an event takes in the log beside its payload, at most. */
export const eventOverheadBytes = leafOverheadBytesMax + recordOverheadBytes;

/** Sources that wait until the queue and the log have room. */
export class RoomWaiters {
  readonly #log: Log;
  readonly #budgetBytes: number;
  readonly #queue: EventQueue;
  /** As the log said last; asked only after it changed, since `wait` is called for every event. */
  #liveBytes = 0;
  #limitBytes = 0;
  #pending = 0;
  #waiters: (() => void)[] = [];

  constructor(log: Log, budgetBytes: number, queue: EventQueue) {
    this.#log = log;
    this.#budgetBytes = budgetBytes;
    this.#queue = queue;
    this.#measure();
  }

  get isPressed(): boolean {
    return this.#queue.fill > queueHigh || this.#isLogHigh();
  }

  wait(): Promise<void> {
    if (this.#queue.fill < queueLow && !this.#isLogHigh()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The log has changed: lets the waiting sources go on if there is room again. */
  check(): void {
    this.#measure();
    if (this.#waiters.length > 0 && this.#queue.fill < queueLow && !this.#isLogHigh()) this.release();
  }

  /** Lets them go on in any case. */
  release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /**
   * What waits in the queue counts too: it will be in the log. A log whose every record is with the bus has room, since
   * what is settled goes when it is needed.
   */
  #isLogHigh(): boolean {
    const queuedBytes = this.#queue.bytes + this.#queue.length * eventOverheadBytes;
    const isWaiting = this.#pending > 0 || this.#queue.length > 0;
    return isWaiting && this.#liveBytes + queuedBytes > this.#limitBytes * budgetHigh;
  }

  #measure(): void {
    const { liveBytes, limitBytes, pending } = readLogBudget(this.#log, this.#budgetBytes);
    this.#liveBytes = liveBytes;
    this.#limitBytes = limitBytes;
    this.#pending = pending;
  }
}
