import type { RecordKind } from "../core/event.ts";

/** Every state of a record. The bus appends as `settled`. */
export const recordStates = ["pending", "settled", "parked"] as const;
export type RecordState = (typeof recordStates)[number];

/** What the bytes are: a leaf of a group, a UniversalEnvelope that stands alone, a first-generation Envelope. */
export type RecordForm = "leaf" | "universal" | "envelope";

/** How far the record could be checked when it came. */
export const recordTrusts = ["verified", "signed_legacy", "unsigned"] as const;
export type RecordTrust = (typeof recordTrusts)[number];

/** One sequence of records: an agent's name and the epoch of its log, 16 hex digits; "" for legacy senders. */
export interface SourceKey {
  readonly agent: string;
  readonly epoch: string;
}

/** A record to be appended. The log keeps the bytes as they are and looks into none of them. */
export interface NewRecord {
  readonly source: SourceKey;
  /** Place in the source, from 1; 0 for legacy senders. */
  readonly sequence: number;
  /** The sender's own key, where there is no sequence. */
  readonly legacyKey?: string | undefined;
  /** What a legacy duplicate is judged by, where that is not the digest of the bytes. */
  readonly judgedDigest?: Uint8Array | undefined;
  /** The sender's time, nanoseconds since the Unix epoch, any 64-bit value. */
  readonly tsNs: bigint;
  /** When it came here, nanoseconds since the Unix epoch. */
  readonly receivedNs: bigint;
  readonly kind: RecordKind;
  readonly form: RecordForm;
  readonly trust: RecordTrust;
  /** A pending record belongs to a group, also where it is the only one in it. */
  readonly state: RecordState;
  /** Why it has its state: the code of an ack. */
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  readonly bytes: Uint8Array;
  /** Index into `groups` of the batch. */
  readonly group?: number | undefined;
}

/** A record as the log holds it. */
export interface StoredRecord extends Omit<NewRecord, "group"> {
  /** Strictly ascending in the order of appends, never given twice. */
  readonly id: number;
  readonly groupId: number | undefined;
  /** BLAKE2b-256 of the bytes, as written with them. */
  readonly digest: Uint8Array;
  /** Whether the bytes still have that digest. What is not intact must not be passed on as the record. */
  readonly intact: boolean;
  /** How often its group was sent without being settled. */
  readonly tries: number;
  /** When its group was last sent, milliseconds since the Unix epoch; 0: never. */
  readonly lastTryMs: number;
}

/** The signature over records that were sealed together. */
export interface NewGroup {
  readonly source: SourceKey;
  readonly firstSequence: number;
  /** How many leaves the signature covers, also those that are not in this log. */
  readonly size: number;
  readonly sig: Uint8Array;
  readonly prevSig: Uint8Array;
}

/** A group with those of its records that the log still holds, in order of sequence. */
export interface StoredGroup extends NewGroup {
  /** Strictly ascending in the order of appends, never given twice. */
  readonly id: number;
  readonly tries: number;
  readonly lastTryMs: number;
  /** The code that the last try ended with; "" before the first. */
  readonly lastCode: string;
  readonly records: StoredRecord[];
}
