import { PublishAck_Status } from "../gen/messaging_schema_pb.ts";
import { UniversalAck_Status } from "../gen/universal_telemetry_pb.ts";

/** What a code means to the agent: it is done, waits and tries again, parks this record, or holds everything. */
export type AckClass = "done" | "wait" | "record" | "identity";

interface AckMeaning {
  readonly class: AckClass;
  /** Status of a UniversalAck and of a Result. */
  readonly status: UniversalAck_Status;
  /**
   * Status of a first-generation PublishAck; undefined: answered with a gRPC status, because those agents would
   * delete.
   */
  readonly firstStatus: PublishAck_Status | undefined;
}

const { OK, RETRY, INVALID, OVERLOAD, QUOTA_EXCEEDED, PROCESSING_ERROR, SECURITY_VIOLATION } = UniversalAck_Status;

const done: AckMeaning = { class: "done", status: OK, firstStatus: PublishAck_Status.OK };
const wait: AckMeaning = { class: "wait", status: RETRY, firstStatus: PublishAck_Status.RETRY };
const record: AckMeaning = { class: "record", status: INVALID, firstStatus: PublishAck_Status.INVALID };
const forged: AckMeaning = {
  class: "record",
  status: SECURITY_VIOLATION,
  firstStatus: PublishAck_Status.UNAUTHORIZED,
};
const identity: AckMeaning = { class: "identity", status: SECURITY_VIOLATION, firstStatus: undefined };

/** Every answer to an event. */
export const ackCodes = {
  stored: done,
  duplicate: done,
  overload: { ...wait, status: OVERLOAD },
  window_full: wait,
  disk_low: wait,
  draining: wait,
  rate_limited: { ...wait, status: QUOTA_EXCEEDED },
  internal: { ...wait, status: PROCESSING_ERROR },
  too_large: record,
  non_canonical: record,
  undecodable: record,
  missing: record,
  conflict: record,
  bad_signature: forged,
  digest_mismatch: forged,
  unknown_agent: identity,
  unknown_key: identity,
  revoked: identity,
  expired: identity,
  not_permitted: identity,
} as const satisfies Record<string, AckMeaning>;

export type AckCode = keyof typeof ackCodes;

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
