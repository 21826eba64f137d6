import type { RecordKind } from "../core/event.ts";

/** Sequences that an agent declares lost; they lie before the sequence of the record that says so. */
export interface LossFacts {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** How many sequences of the range were lost. */
  readonly count: number;
  /** As sent; known: collector, queue, size, disk, budget, damage. */
  readonly reason: string;
  /** Nanoseconds since the Unix epoch: stamps of the first and the last event lost. */
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** An event that the bus refused and that its agent keeps aside. */
export interface ParkedFacts {
  readonly sequence: number;
  /** BLAKE2b-256 of the leaf bytes. */
  readonly digest: Uint8Array;
  /** The code of the refusal. */
  readonly code: string;
  readonly reason: string;
}

/** The audit path of a leaf that left its tree (RFC 6962, section 2.1.1). */
export interface ProofFacts {
  readonly index: number;
  readonly size: number;
  /** From the leaf upwards. */
  readonly path: readonly Uint8Array[];
}

/** What the bytes of an envelope say. Byte strings are views into them; no payload is decoded. */
export interface EnvelopeFacts {
  readonly version: string;
  /** Nanoseconds since the Unix epoch, as the agent's clock had it; fits a signed 64-bit integer. */
  readonly tsNs: bigint;
  /** For v2 EPOCH.SEQUENCE, for legacy senders whatever they chose. */
  readonly key: string;
  readonly kind: RecordKind;
  /** The serialized message of that kind. */
  readonly payload: Uint8Array;
  readonly sig: Uint8Array | undefined;
  /** Empty for the first of an epoch. */
  readonly prevSig: Uint8Array;
  readonly algorithm: string;
  /** Empty for legacy senders, as are epoch and sequence. */
  readonly agent: string;
  /** 16 hexadecimal digits. */
  readonly epoch: string;
  readonly sequence: number;
  readonly loss: LossFacts | undefined;
  readonly parked: ParkedFacts | undefined;
  readonly proof: ProofFacts | undefined;
  readonly synthetic: boolean;
  readonly retryCount: number;
  /** The envelope without the fields sig (8) and proof (104); a view where neither is there. */
  leafBytes(): Uint8Array;
}

/** What the bytes of a first-generation messaging.Envelope say. */
export interface FlowEnvelopeFacts {
  readonly version: string;
  readonly tsNs: bigint;
  readonly key: string;
  /** The serialized FlowEvent; one of flow and payload is there. */
  readonly flow: Uint8Array | undefined;
  /** An older form: a serialized FlowEvent, used where flow is absent. */
  readonly payload: Uint8Array | undefined;
  readonly sig: Uint8Array | undefined;
  readonly prevSig: Uint8Array;
  /** What its signature covers: the bytes of version, ts_ns, idempotency_key and flow, cut from what was received. */
  signedBytes(): Uint8Array;
  /** What a duplicate is judged by: all but sig, since these senders sign again on every try. */
  judgedBytes(): Uint8Array;
}
