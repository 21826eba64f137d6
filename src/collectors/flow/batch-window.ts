const takenWord = 0;
const deadlineWord = 1;
const words = 2;

/** Batches and bytes that may be on their way to the main thread at once. */
export interface BatchWindowLimits {
  readonly batchesMax: number;
  readonly bytesMax: number;
}

/** The main thread's end of a window: says what it took, and how long an end may last. */
export class BatchTaker {
  /** To be handed to the sender. */
  readonly memory = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
  readonly #words = new Int32Array(this.memory);

  /** One more batch was taken. */
  took(): void {
    Atomics.add(this.#words, takenWord, 1);
    Atomics.notify(this.#words, takenWord);
  }

  /** From now on the sender waits at most this long in all for room. */
  setDeadlineMs(deadlineMs: number): void {
    Atomics.store(this.#words, deadlineWord, Math.max(0, Math.min(2 ** 31 - 1, Math.floor(deadlineMs))));
  }
}

/**
 * The capture thread's end: bounds what is on its way. Needs no message back, so it works for a thread that never
 * returns to its event loop.
 */
export class BatchWindow {
  readonly #words: Int32Array;
  readonly #limits: BatchWindowLimits;
  /** Sizes of the batches on their way, oldest first. */
  readonly #sizes: number[] = [];
  #bytes = 0;
  /** Batches sent in all, in 32 bits as the batches taken are. */
  #sent: number;

  constructor(memory: SharedArrayBuffer, limits: BatchWindowLimits) {
    this.#words = new Int32Array(memory);
    this.#limits = limits;
    this.#sent = Atomics.load(this.#words, takenWord);
  }

  /** How long the main thread lets an end last. */
  get deadlineMs(): number {
    return Atomics.load(this.#words, deadlineWord);
  }

  /** Whether another batch may be sent. */
  hasRoom(): boolean {
    const taken = Atomics.load(this.#words, takenWord);
    // the counter wraps at 32 bits; their difference does not
    const underway = (this.#sent - taken) | 0;
    while (this.#sizes.length > underway) this.#bytes -= this.#sizes.shift() as number;
    return underway < this.#limits.batchesMax && this.#bytes < this.#limits.bytesMax;
  }

  /** A batch of `bytes` was sent. */
  sent(bytes: number): void {
    this.#sent = (this.#sent + 1) | 0;
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** Blocks the thread until there is room, at most `timeoutMs`; answers whether there is. */
  waitForRoom(timeoutMs: number): boolean {
    const taken = Atomics.load(this.#words, takenWord);
    if (this.hasRoom()) return true;
    if (timeoutMs > 0) Atomics.wait(this.#words, takenWord, taken, timeoutMs);
    return this.hasRoom();
  }
}
