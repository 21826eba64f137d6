import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";

/** How far behind its plan a pace may catch up, in milliseconds. */
const behindMsMax = 20;

/** Begins things at a rate, evenly. */
export class Pace {
  readonly #gapMs: number;
  readonly #clock: Clock;
  #nextMs = -Infinity;

  constructor(perSecond: number, clock: Clock) {
    this.#gapMs = 1000 / perSecond;
    this.#clock = clock;
  }

  /** Resolves when the next may begin; at once when the signal has aborted. */
  async next(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const atMs = Math.max(this.#nextMs, nowMs - behindMsMax);
    this.#nextMs = atMs + this.#gapMs;
    // an abort ends the wait
    if (atMs > nowMs) await setTimeout(atMs - nowMs, undefined, { signal }).catch(() => {});
  }
}
