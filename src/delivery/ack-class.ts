import { UniversalAck_Status as Status } from "../gen/universal_telemetry_pb.ts";

/**
 * What an agent does about an answer: settle the record, keep it and wait, set this record aside, or hold everything
 * because the bus refuses the identity.
 */
export type AckClass = "done" | "wait" | "record" | "identity";

/** The codes of acks and what each means to the sender. */
const classOfCode: Readonly<Record<string, AckClass>> = {
  stored: "done",
  duplicate: "done",
  overload: "wait",
  window_full: "wait",
  disk_low: "wait",
  draining: "wait",
  rate_limited: "wait",
  internal: "wait",
  too_large: "record",
  non_canonical: "record",
  undecodable: "record",
  missing: "record",
  conflict: "record",
  bad_signature: "record",
  digest_mismatch: "record",
  unknown_agent: "identity",
  unknown_key: "identity",
  revoked: "identity",
  expired: "identity",
  not_permitted: "identity",
};

/** Answers without a code, or with one that this build does not know, go by their status. */
const classOfStatus: Readonly<Record<number, AckClass>> = {
  [Status.OK]: "done",
  [Status.RETRY]: "wait",
  [Status.OVERLOAD]: "wait",
  [Status.QUOTA_EXCEEDED]: "wait",
  [Status.PROCESSING_ERROR]: "wait",
  [Status.INVALID]: "record",
  // what is refused for security without a reason that we know may be our identity: nothing is set aside for that
  [Status.SECURITY_VIOLATION]: "identity",
};

/**
 * The class of one ack. A code that contradicts its status (`stored` beside a refusal) is not believed: only OK
 * settles, and a status that nobody knows keeps the record.
 */
export function classifyAck(status: number, code: string): AckClass {
  const byStatus = classOfStatus[status] ?? "wait";
  const byCode = Object.hasOwn(classOfCode, code) ? classOfCode[code] : undefined;
  if (byStatus === "done" || byCode === undefined || byCode === "done") return byStatus;
  return byCode;
}
