export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Between 0 (inclusive) and 1; injected so that tests own it. */
  readonly random?: () => number;
}

/** Exponential backoff with equal jitter: the n-th wait lies between half and the whole of base * 2^(n-1), capped. */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure and answers how long to wait, never less than `atLeastMs` (a hint of the other side). */
  nextMs(atLeastMs = 0): number {
    this.#failures += 1;
    const { baseMs, maxMs, random } = this.#options;
    const ceilingMs = Math.max(atLeastMs, Math.min(maxMs, baseMs * 2 ** Math.min(30, this.#failures - 1)));
    return Math.max(atLeastMs, ceilingMs / 2) + (random() * ceilingMs) / 2;
  }

  /** Forgets the failures after a success. */
  reset(): void {
    this.#failures = 0;
  }
}
