/** Kinds of payload a collector can see. */
export type EventKind = "flow" | "process" | "device";

/** Every kind a log can hold. */
export const recordKinds = ["flow", "process", "device", "batch", "loss", "parked"] as const;
export type RecordKind = (typeof recordKinds)[number];

/** What a collector saw, ready to be sealed. */
export interface CollectedEvent {
  readonly kind: EventKind;
  /** Nanoseconds since the Unix epoch. */
  readonly tsNs: bigint;
  /** A serialized messaging.FlowEvent, messaging.ProcessEvent or messaging.DeviceTelemetry, by kind. */
  readonly payload: Uint8Array;
  /** Made up, not observed. */
  readonly synthetic?: boolean;
}
