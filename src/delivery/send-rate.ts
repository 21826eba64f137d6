import type { Clock } from "../core/clock.ts";

/**
 * Limits how many events leave in a second. A group goes whole, so it may run into debt, which the next one waits off:
 * the rate holds on average and never by splitting what was signed together.
 */
export class SendRate {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #credit: number;
  #atMs: number;

  /** `perSecond` of 0 is no limit. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#credit = perSecond;
    this.#atMs = clock.monotonicMs();
  }

  /** Milliseconds until something may be sent; 0 is now. */
  waitMs(): number {
    if (this.#perSecond === 0) return 0;
    this.#refill();
    return this.#credit > 0 ? 0 : Math.ceil(((1e-6 - this.#credit) / this.#perSecond) * 1000);
  }

  /** Counts what was sent. */
  spend(events: number): void {
    if (this.#perSecond === 0) return;
    this.#refill();
    this.#credit -= events;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#credit = Math.min(this.#perSecond, this.#credit + earned);
    this.#atMs = nowMs;
  }
}
