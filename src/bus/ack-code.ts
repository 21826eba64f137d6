import { type AckCode, ackCodes } from "../data/ack-codes.ts";
import { PublishAck_Status } from "../gen/messaging_schema_pb.ts";
import { UniversalAck_Status } from "../gen/universal_telemetry_pb.ts";

/** Status of a UniversalAck and of a Result. */
export function statusOf(code: AckCode): UniversalAck_Status {
  return UniversalAck_Status[ackCodes[code].status];
}

/**
 * Status of a first-generation PublishAck; undefined: answered with a gRPC status, because those agents would delete.
 */
export function firstStatusOf(code: AckCode): PublishAck_Status | undefined {
  const { status, class: meaning } = ackCodes[code];
  if (meaning === "done") return PublishAck_Status.OK;
  if (meaning === "wait") return PublishAck_Status.RETRY;
  if (meaning === "identity") return undefined;
  return status === "SECURITY_VIOLATION" ? PublishAck_Status.UNAUTHORIZED : PublishAck_Status.INVALID;
}

/** The answer to one event. */
export interface Verdict {
  readonly code: AckCode;
  /** One line for a person; empty where the code says it all. */
  readonly reason: string;
  /** How long to wait before the same is tried again; of class "wait" alone. */
  readonly hintMs?: number;
}

export const stored: Verdict = { code: "stored", reason: "" };
export const duplicate: Verdict = { code: "duplicate", reason: "duplicate of a stored event" };
