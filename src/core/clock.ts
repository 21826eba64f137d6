/** Time, injected so that tests own it. */
export interface Clock {
  /** Nanoseconds since the Unix epoch; may jump. For what others read: stamps, dates of certificates. */
  wallNs(): bigint;
  /** Milliseconds since the Unix epoch; may jump. */
  wallMs(): number;
  /** Milliseconds from an arbitrary point; never goes back. For durations, timeouts and backoff. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallNs: () => BigInt(Date.now()) * 1_000_000n,
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
