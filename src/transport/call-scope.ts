import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Connection } from "./connection.ts";
import { CallRefusal, type GrpcStatus } from "./grpc-status.ts";
import type { ServerLimits } from "./limits.ts";
import type { LogRate } from "./log-rate.ts";
import type { Turns } from "./turns.ts";

/** What the calls of one server share. */
export interface CallScope {
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly logRate: LogRate;
  /** Requests that are not answered yet, of all connections. */
  readonly budget: ByteBudget;
  /** Who may decompress a message now. */
  readonly decompressions: Turns;
  /** Whether the server is about to end, so that new calls are refused. */
  stopping: boolean;
}

/** A call whose stream has not closed yet, as its connection sees it. */
export interface OpenCall {
  /**
   * Holds the call to its limits; called once per guard interval. False where the call was answered and the peer does
   * not read the answer, so that only the end of the connection frees what it holds.
   */
  check(nowMs: number): boolean;
  /** The connection is to go: a call that would never end by itself ends now, so that its peer resumes elsewhere. */
  leave(): void;
}

/** Every method that has a name in the metrics; others count as "other". */
export type CallMethod =
  | "Publish"
  | "PublishTelemetry"
  | "PublishTree"
  | "PublishEnvelopes"
  | "GetHealth"
  | "GetStatus"
  | "Subscribe"
  | "other";

/** Counts a call that is over. */
export function countCall(observer: Observer, method: CallMethod, status: GrpcStatus): void {
  observer.count("amoskys_bus_calls_total", { method, status });
}

/** What a peer is told about something that was thrown: a refusal as it stands, anything else without a detail. */
export function refusalOf(caught: unknown, method: CallMethod, connection: Connection, scope: CallScope): CallRefusal {
  if (caught instanceof CallRefusal) return caught;
  const { name: peer, address } = connection.peer;
  const { message, stack } = caught instanceof Error ? caught : { message: String(caught), stack: undefined };
  scope.logRate.log("error", "a call failed", { method, peer, address, error: message, stack });
  return new CallRefusal("INTERNAL", "internal error");
}
