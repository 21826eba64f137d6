import type { Clock } from "../core/clock.ts";

const windowMs = 5_000;

/** How many events were stored since the start, how fast of late, and when last. */
export class StoredTotals {
  readonly #clock: Clock;
  #stored = 0;
  #lastCommitMs: number;
  #sinceMs: number;
  #storedAtSince = 0;
  #perSecond = 0;

  constructor(clock: Clock, lastCommitMs: number) {
    this.#clock = clock;
    this.#lastCommitMs = lastCommitMs;
    this.#sinceMs = clock.monotonicMs();
  }

  get stored(): number {
    return this.#stored;
  }

  /** Milliseconds since the Unix epoch; 0: never. */
  get lastCommitMs(): number {
    return this.#lastCommitMs;
  }

  add(count: number): void {
    this.#measure();
    this.#stored += count;
    this.#lastCommitMs = this.#clock.wallMs();
  }

  /** Events a second, measured over some seconds up to now. */
  perSecond(): number {
    this.#measure();
    const elapsedMs = this.#clock.monotonicMs() - this.#sinceMs;
    return elapsedMs < windowMs / 5 ? this.#perSecond : ((this.#stored - this.#storedAtSince) * 1000) / elapsedMs;
  }

  #measure(): void {
    const elapsedMs = this.#clock.monotonicMs() - this.#sinceMs;
    if (elapsedMs < windowMs) return;
    this.#perSecond = ((this.#stored - this.#storedAtSince) * 1000) / elapsedMs;
    this.#storedAtSince = this.#stored;
    this.#sinceMs += elapsedMs;
  }
}
