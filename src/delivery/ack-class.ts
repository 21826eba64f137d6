import { type AckClass, ackCodes } from "../data/ack-codes.ts";
import { UniversalAck_Status as Status } from "../gen/universal_telemetry_pb.ts";

const classOfCode: Readonly<Record<string, { readonly class: AckClass }>> = ackCodes;

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
  const byCode = Object.hasOwn(classOfCode, code) ? classOfCode[code]?.class : undefined;
  if (byStatus === "done" || byCode === undefined || byCode === "done") return byStatus;
  return byCode;
}
