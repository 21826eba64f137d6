import type { Clock } from "../core/clock.ts";

/** Calls back once after nothing has happened for a while. Does not keep the process alive. */
export class IdleTimer {
  readonly #idleMs: number;
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;
  #touchedMs = 0;
  #closed = false;

  constructor(idleMs: number, clock: Clock, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#clock = clock;
    this.#onIdle = onIdle;
  }

  /** Something happened. */
  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs();
    if (!this.#timer && !this.#closed) this.#arm(this.#idleMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  // one timer that is set again where it rings too early costs less than a new one at every touch
  #arm(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const leftMs = this.#touchedMs + this.#idleMs - this.#clock.monotonicMs();
      if (leftMs > 0) this.#arm(Math.ceil(leftMs));
      else this.#onIdle();
    }, waitMs);
    this.#timer.unref();
  }
}
