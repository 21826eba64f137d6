import type { Clock } from "../../core/clock.ts";

/** What fell due while the process could not run is made up for this much, no more. */
const debtMsMax = 1000;

/** Says when the next of evenly spread events is due. */
export class Pacer {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #dueMs: number;

  /** `rate` events a second, the first one at once. */
  constructor(rate: number, clock: Clock) {
    this.#clock = clock;
    this.#everyMs = 1000 / rate;
    this.#dueMs = clock.monotonicMs();
  }

  /** How long until the next event, 0 where it is due: then it counts as made. */
  waitMs(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#dueMs) return this.#dueMs - nowMs;
    this.#dueMs = Math.max(this.#dueMs, nowMs - debtMsMax) + this.#everyMs;
    return 0;
  }
}
