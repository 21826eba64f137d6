import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { BusClient } from "../transport/index.ts";
import type { Log } from "../wal/index.ts";
import type { Outbox } from "./outbox.ts";
import type { Timer } from "./timer.ts";

export interface DrainOptions {
  readonly log: Log;
  readonly outbox: Outbox;
  readonly client: BusClient;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly timer?: Timer;
  readonly random?: () => number;
  readonly backoff?: Partial<DrainBackoff>;
  /** Tries in a row after which `retrying` is reported; it never gives up. Default 6. */
  readonly retryMax?: number;
  /** Events a second; 0 is no limit. Default 0. */
  readonly sendRate?: number;
  /** Calls in flight. Default 4: with full groups, half of what a bus takes out of order. */
  readonly inFlightMax?: number;
  readonly diskRetryMs?: number;
}

/** How long to wait between tries, with jitter. */
export interface DrainBackoff {
  /** After the first failure. Default 1 s. */
  readonly baseMs: number;
  /** At most, for a bus that is away or busy. Default 30 s. */
  readonly maxMs: number;
  /** First and at most where the bus refuses the identity. Default 5 s and 60 s. */
  readonly heldBaseMs: number;
  readonly heldMaxMs: number;
}

/** Calls in flight where nothing else is asked for. */
export const inFlightDefault = 4;

/** The waits where nothing else is asked for. */
export const defaultBackoff: DrainBackoff = { baseMs: 1000, maxMs: 30_000, heldBaseMs: 5000, heldMaxMs: 60_000 };
