import type { Verdict } from "./ack-code.ts";
import { TokenBucket } from "./token-bucket.ts";

/** An agent may send this long at its rate in one go. */
const burstSeconds = 2;

/** Holds every agent to the rate of its trust entry. Asked before anything costly is done for the agent. */
export class RateGate {
  readonly #buckets = new Map<string, TokenBucket>();

  /** Undefined where the agent may go on; otherwise the answer to its call. */
  refusal(agent: string, ratePerSecond: number | undefined, nowMs: number): Verdict | undefined {
    if (ratePerSecond === undefined) {
      this.#buckets.delete(agent);
      return undefined;
    }
    const hintMs = this.#bucket(agent, ratePerSecond, nowMs).waitMs(nowMs);
    if (hintMs === 0) return undefined;
    return { code: "rate_limited", reason: `above ${ratePerSecond} events a second`, hintMs };
  }

  /** Counts events of an agent that was let through. */
  take(agent: string, count: number): void {
    this.#buckets.get(agent)?.take(count);
  }

  /** Forgets agents whose bucket is full again. */
  sweep(nowMs: number): void {
    for (const [agent, bucket] of this.#buckets) {
      if (bucket.isFull(nowMs)) this.#buckets.delete(agent);
    }
  }

  #bucket(agent: string, ratePerSecond: number, nowMs: number): TokenBucket {
    const known = this.#buckets.get(agent);
    if (known?.ratePerSecond === ratePerSecond) return known;
    const bucket = new TokenBucket(ratePerSecond, Math.max(1, ratePerSecond * burstSeconds), nowMs);
    this.#buckets.set(agent, bucket);
    return bucket;
  }
}
