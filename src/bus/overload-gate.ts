import type { Clock } from "../core/clock.ts";
import type { Verdict } from "./ack-code.ts";
import type { BusLimits } from "./limits.ts";

/** `on` refuses everything, `off` refuses only what memory cannot hold, `auto` goes by the calls in flight. */
export type OverloadMode = "on" | "off" | "auto";

const hintMsMin = 100;
const hintMsMax = 30_000;
const forcedHintMs = 2_000;

/** Over how long the rate of answers is measured. */
const windowMs = 1_000;

/** Memory is held at this many times `hardMax`, whatever the mode and however many agents there are. */
const reserve = 2;

/** A call that was let in. */
export interface Admittance {
  leave(): void;
}

/**
 * Bounds what is in flight. At `hardMax` an agent that holds its fair share or more is refused; one that holds less
 * still finds room, so that a greedy agent cannot keep the others out.
 */
export class OverloadGate {
  mode: OverloadMode;
  readonly #limits: BusLimits;
  readonly #clock: Clock;
  readonly #held = new Map<string, number>();
  #inflight = 0;
  #bytes = 0;
  #answered = 0;
  #answeredSinceMs: number;
  #ratePerSecond = 0;

  constructor(limits: BusLimits, clock: Clock, mode: OverloadMode) {
    this.#limits = limits;
    this.#clock = clock;
    this.mode = mode;
    this.#answeredSinceMs = clock.monotonicMs();
  }

  /** Calls let in and not answered. */
  get inflight(): number {
    return this.#inflight;
  }

  /** Calls in flight as a share of `hardMax`. */
  get load(): number {
    return this.#inflight / this.#limits.hardMax;
  }

  /** Lets a call in, or answers why not. */
  enter(agent: string, bytes: number): Admittance | Verdict {
    if (this.mode === "on") return { code: "overload", reason: "overload mode is on", hintMs: forcedHintMs };
    if (this.#isFull(agent, bytes)) {
      return { code: "overload", reason: `overload: ${this.#inflight} calls in flight`, hintMs: this.drainMs() };
    }
    const held = (this.#held.get(agent) ?? 0) + 1;
    this.#held.set(agent, held);
    this.#inflight += 1;
    this.#bytes += bytes;
    let left = false;
    return {
      leave: () => {
        if (left) return;
        left = true;
        this.#leave(agent, bytes);
      },
    };
  }

  /**
   * How long the calls in flight take at the rate of late, in milliseconds: the least that a refused agent should
   * wait.
   */
  drainMs(): number {
    return this.#timeFor(this.#inflight);
  }

  /** How long an agent whose call was taken should pause; 0 under `maxInflight`. */
  slowHintMs(): number {
    const excess = this.#inflight - this.#limits.maxInflight;
    return excess > 0 && this.mode === "auto" ? this.#timeFor(excess) : 0;
  }

  /** Calls answered a second, measured over the last second or so. */
  ratePerSecond(): number {
    this.#measure();
    return this.#ratePerSecond;
  }

  #isFull(agent: string, bytes: number): boolean {
    const { hardMax, inflightBytesMax } = this.#limits;
    if (this.#inflight >= hardMax * reserve || this.#bytes + bytes > inflightBytesMax * reserve) return true;
    if (this.mode === "off") return false;
    if (this.#inflight < hardMax && this.#bytes + bytes <= inflightBytesMax) return false;
    const held = this.#held.get(agent) ?? 0;
    const agents = this.#held.size + (held === 0 ? 1 : 0);
    return held >= Math.max(1, Math.floor(hardMax / agents));
  }

  #leave(agent: string, bytes: number): void {
    const held = (this.#held.get(agent) ?? 1) - 1;
    if (held === 0) this.#held.delete(agent);
    else this.#held.set(agent, held);
    this.#inflight -= 1;
    this.#bytes -= bytes;
    this.#answered += 1;
    this.#measure();
  }

  #measure(): void {
    const elapsedMs = this.#clock.monotonicMs() - this.#answeredSinceMs;
    if (elapsedMs < windowMs) return;
    this.#ratePerSecond = (this.#answered * 1000) / elapsedMs;
    this.#answered = 0;
    this.#answeredSinceMs += elapsedMs;
  }

  #timeFor(calls: number): number {
    const rate = this.ratePerSecond();
    const ms = rate > 0 ? Math.ceil((calls * 1000) / rate) : windowMs;
    return Math.min(hintMsMax, Math.max(hintMsMin, ms));
  }
}
