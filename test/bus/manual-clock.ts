import type { Clock } from "../../src/core/clock.ts";

/** A clock that moves only when a test moves it. */
export class ManualClock implements Clock {
  #ms: number;
  #monotonicMs = 0;

  constructor(startMs = 1_800_000_000_000) {
    this.#ms = startMs;
  }

  wallNs(): bigint {
    return BigInt(this.#ms) * 1_000_000n;
  }

  wallMs(): number {
    return this.#ms;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Somebody sets the wall clock. */
  setBack(ms: number): void {
    this.#ms -= ms;
  }

  advance(ms: number): void {
    this.#ms += ms;
    this.#monotonicMs += ms;
  }
}
