import type { Clock } from "../core/clock.ts";

export interface ReadTurnsOptions {
  readonly clock: Clock;
  /** Resolves after some milliseconds; injected so that tests own it. Default: a timer. */
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined;
}

/** What all readers together may take of the event loop while events are being stored. */
const share = 1 / 10;

/** For so long after a commit events count as being stored. */
const busyMs = 1_000;

/** A timer is not worth less. */
const leastMs = 1;

/**
 * Shares the thread that checks and stores events with those who read what is stored: one page at a time, in the order
 * in which they asked, and while events come in a pause behind each in proportion to the time that it took.
 */
export class ReadTurns {
  readonly #clock: Clock;
  readonly #sleep: (ms: number) => Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();
  /** What readers took and did not pause for yet. */
  #owedMs = 0;
  #storedMs = Number.NEGATIVE_INFINITY;

  constructor({ clock, sleep = Bun.sleep }: ReadTurnsOptions) {
    this.#clock = clock;
    this.#sleep = sleep;
  }

  /** Events were stored. */
  noteStored(): void {
    this.#storedMs = this.#clock.monotonicMs();
  }

  /** Runs `read` when its turn has come. */
  run<T>(read: () => T): Promise<T> {
    const turn = this.#last.then(() => this.#pause()).then(() => this.#timed(read));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #pause(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#storedMs >= busyMs) this.#owedMs = 0;
    if (this.#owedMs >= leastMs) {
      await this.#sleep(this.#owedMs);
      this.#owedMs = Math.max(0, this.#owedMs - (this.#clock.monotonicMs() - nowMs));
    } else {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #timed<T>(read: () => T): T {
    const startedMs = this.#clock.monotonicMs();
    try {
      return read();
    } finally {
      this.#owedMs += (this.#clock.monotonicMs() - startedMs) * (1 / share - 1);
    }
  }
}
