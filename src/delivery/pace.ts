import { Backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { AmoskysError } from "../core/errors.ts";

export interface PaceOptions {
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
  /** The first wait after a failure. */
  readonly baseMs: number;
  /** The longest wait for a bus that is away or busy. */
  readonly maxMs: number;
  /** The first and the longest wait where the bus refuses the identity. */
  readonly heldBaseMs: number;
  readonly heldMaxMs: number;
}

/** The longest wait that a bus can ask for: a wrong or hostile one must not silence an agent for long. */
const hintMsMax = 300_000;

/** When to try again: waits grow with failures in a row, and differ by whose move it is. */
export class Pace {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #heldBackoff: Backoff;
  #untilMs = Number.NEGATIVE_INFINITY;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #error: AmoskysError | undefined;
  #isAsked = false;

  constructor(options: PaceOptions) {
    const { clock, random = Math.random, baseMs, maxMs, heldBaseMs, heldMaxMs } = options;
    this.#clock = clock;
    this.#random = random;
    this.#backoff = new Backoff({ baseMs, maxMs, random });
    this.#heldBackoff = new Backoff({ baseMs: heldBaseMs, maxMs: heldMaxMs, random });
  }

  /** Tries in a row that brought no acknowledgement. */
  get failures(): number {
    return this.#backoff.failures + this.#heldBackoff.failures;
  }

  /** Why the last try failed; undefined after a success. */
  get error(): AmoskysError | undefined {
    return this.#error;
  }

  /** The bus answered the last try, and asked to wait or, for now, to go slower. */
  get isAskedToWait(): boolean {
    return this.#isAsked && (this.failures > 0 || this.waitMs() > 0);
  }

  /** The bus refuses the identity. */
  get isHeld(): boolean {
    return this.#error?.code === "identity_refused" || this.#error?.code === "identity_invalid";
  }

  /** Milliseconds until the next try; 0 is now. */
  waitMs(): number {
    return Math.max(0, Math.ceil(this.#untilMs - this.#clock.monotonicMs()));
  }

  /** Ends a wait for what the bus misses: what explains it is there now. */
  explained(): void {
    if (this.#error?.details.code === "window_full") this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  /** The bus took what was sent, and asks to go slower. */
  slowed(hintMs: number): void {
    this.#isAsked = true;
    this.#untilMs = this.#clock.monotonicMs() + Math.min(hintMs, hintMsMax) * (1 + this.#random() / 2);
  }

  succeeded(): void {
    this.#backoff.reset();
    this.#heldBackoff.reset();
    this.#error = undefined;
    this.#isAsked = false;
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * A try that was started at `startedMs` failed. Tries that were on their way together fail together and count once;
   * the longest wait asked for holds.
   */
  failed(error: AmoskysError, options: { startedMs: number; hintMs?: number; asked?: boolean }): void {
    const { startedMs, asked = false } = options;
    const hintMs = Math.min(options.hintMs ?? 0, hintMsMax);
    const nowMs = this.#clock.monotonicMs();
    const wasHeld = this.isHeld;
    this.#error = error;
    this.#isAsked = asked;
    if (startedMs < this.#failedAtMs && wasHeld === this.isHeld) {
      this.#untilMs = Math.max(this.#untilMs, nowMs + hintMs);
      return;
    }
    const backoff = this.isHeld ? this.#heldBackoff : this.#backoff;
    this.#failedAtMs = nowMs;
    this.#untilMs = nowMs + backoff.nextMs(hintMs);
  }
}
