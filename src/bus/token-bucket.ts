/**
 * Events a second, with a burst. A caller may take more than is there as long as something is: it then owes the rest,
 * so that a group larger than the burst gets through, and the rate still holds over time.
 */
export class TokenBucket {
  readonly ratePerSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledMs: number;

  constructor(ratePerSecond: number, burst: number, nowMs: number) {
    this.ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledMs = nowMs;
  }

  /** How long until something may be taken, in milliseconds; 0: now. */
  waitMs(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.ratePerSecond) / 1000);
    if (this.#tokens > 0) return 0;
    return Math.max(1, Math.ceil((1000 * (1e-9 - this.#tokens)) / this.ratePerSecond));
  }

  take(count: number): void {
    this.#tokens -= count;
  }

  /** Whether it is as full as it gets, so that forgetting it changes nothing. */
  isFull(nowMs: number): boolean {
    this.waitMs(nowMs);
    return this.#tokens >= this.#burst;
  }
}
