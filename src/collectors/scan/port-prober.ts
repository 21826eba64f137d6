import { setImmediate, setTimeout } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { addressBytes } from "../../core/ip-range.ts";
import { type ConnectOutcome, ConnectSet } from "../../native/index.ts";

/** What an attempt to connect says of a port. `failed`: this host could not try, so nothing is known. */
export type PortState = "open" | "closed" | "filtered" | "failed";

export interface PortOutcome {
  readonly state: PortState;
  /** Why this host could not try: the errno's name. */
  readonly reason?: string;
  /** It may be able to a moment later. */
  readonly passing?: boolean;
}

/** This host's own want of descriptors, memory or local ports, which passes. */
const shortages = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EAGAIN"]);
const refusals = new Set(["ECONNREFUSED", "ECONNRESET"]);

/** How long the kernel is not asked while nothing comes: twice as long each time, up to this, in milliseconds. */
const lookEveryMsMax = 8;

interface Attempt {
  readonly endMs: number;
  readonly end: (outcome: PortOutcome) => void;
}

/** Tries TCP ports and closes what opens. */
export class PortProber {
  readonly #set = new ConnectSet();
  /** In the order of their ends, because all wait equally long. */
  readonly #attempts = new Map<number, Attempt>();
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  #looking = false;

  /** Throws facility_missing where this is not Linux. */
  constructor(options: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
    this.#signal = options.signal;
  }

  /** Never throws. Whatever is under way when the signal aborts has failed. */
  async try(address: string, port: number): Promise<PortOutcome> {
    if (this.#signal.aborted) return { state: "failed" };
    const begun = this.#set.begin(addressBytes(address), port);
    if (typeof begun === "string") return immediate(begun);
    const ended = new Promise<PortOutcome>((end) => {
      this.#attempts.set(begun, { end, endMs: this.#clock.monotonicMs() + this.#timeoutMs });
    });
    if (!this.#looking) void this.#look();
    return await ended;
  }

  /** Ends what is under way. Safe twice. */
  close(): void {
    for (const attempt of this.#attempts.keys()) this.#finish(attempt, { state: "failed" });
    this.#set.close();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    for (let waitMs = 0; this.#attempts.size > 0 && !this.#signal.aborted; ) {
      if (waitMs === 0) await setImmediate();
      else await setTimeout(waitMs);
      const before = this.#attempts.size;
      this.#set.take((attempt, outcome) => this.#finish(attempt, eventual(outcome)));
      this.#endLate();
      waitMs = this.#attempts.size < before ? 0 : Math.min(lookEveryMsMax, Math.max(1, waitMs * 2));
    }
    this.#looking = false;
    if (this.#signal.aborted) this.close();
  }

  #endLate(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [attempt, { endMs }] of this.#attempts) {
      if (endMs > nowMs) return;
      this.#set.abandon(attempt);
      this.#finish(attempt, { state: "filtered" });
    }
  }

  #finish(attempt: number, outcome: PortOutcome): void {
    this.#attempts.get(attempt)?.end(outcome);
    this.#attempts.delete(attempt);
  }
}

/** Of what connect(2) itself refused: but for a refusal of the other end, nothing was sent. */
function immediate(reason: string): PortOutcome {
  if (refusals.has(reason)) return { state: "closed" };
  return { state: "failed", reason, passing: shortages.has(reason) };
}

/** Of what came later. That a router, or the neighbour table, knows no such host is silence of the host. */
function eventual(outcome: ConnectOutcome): PortOutcome {
  if (outcome === undefined) return { state: "open" };
  return { state: refusals.has(outcome) ? "closed" : "filtered" };
}
