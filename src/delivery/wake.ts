import type { Timer } from "./timer.ts";

/** Runs one task when it is asked for: in the next turn of the event loop, or later; the last word holds. */
export class Wake {
  readonly #timer: Timer;
  readonly #task: () => void;
  #isDue = false;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(timer: Timer, task: () => void) {
    this.#timer = timer;
    this.#task = task;
  }

  soon(): void {
    this.#forget();
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isClosed) this.#task();
    });
  }

  after(ms: number): void {
    this.#forget();
    if (!this.#isClosed) this.#cancel = this.#timer.after(ms, () => this.soon());
  }

  /** The task runs no more. */
  close(): void {
    this.#isClosed = true;
    this.#forget();
  }

  #forget(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
