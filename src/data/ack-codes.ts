/**
 * What a code means to the sender: it is done, keeps the record and waits, sets this record aside, or holds everything
 * because the bus refuses the identity.
 */
export type AckClass = "done" | "wait" | "record" | "identity";

/** Statuses of a UniversalAck and of a Result, by their names in the protocol. */
export type AckStatus =
  | "OK"
  | "RETRY"
  | "INVALID"
  | "OVERLOAD"
  | "QUOTA_EXCEEDED"
  | "PROCESSING_ERROR"
  | "SECURITY_VIOLATION";

/** Every code of an ack with its status and class; the bus answers by it and agents act on it. */
export const ackCodes = {
  stored: { status: "OK", class: "done" },
  duplicate: { status: "OK", class: "done" },
  overload: { status: "OVERLOAD", class: "wait" },
  window_full: { status: "RETRY", class: "wait" },
  disk_low: { status: "RETRY", class: "wait" },
  draining: { status: "RETRY", class: "wait" },
  rate_limited: { status: "QUOTA_EXCEEDED", class: "wait" },
  internal: { status: "PROCESSING_ERROR", class: "wait" },
  too_large: { status: "INVALID", class: "record" },
  non_canonical: { status: "INVALID", class: "record" },
  undecodable: { status: "INVALID", class: "record" },
  missing: { status: "INVALID", class: "record" },
  conflict: { status: "INVALID", class: "record" },
  bad_signature: { status: "SECURITY_VIOLATION", class: "record" },
  digest_mismatch: { status: "SECURITY_VIOLATION", class: "record" },
  unknown_agent: { status: "SECURITY_VIOLATION", class: "identity" },
  unknown_key: { status: "SECURITY_VIOLATION", class: "identity" },
  revoked: { status: "SECURITY_VIOLATION", class: "identity" },
  expired: { status: "SECURITY_VIOLATION", class: "identity" },
  not_permitted: { status: "SECURITY_VIOLATION", class: "identity" },
} as const satisfies Record<string, { readonly status: AckStatus; readonly class: AckClass }>;

export type AckCode = keyof typeof ackCodes;
