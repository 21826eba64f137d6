import type { RecordKind } from "../core/event.ts";
import {
  type DecodedPayload,
  decodePayload,
  type EnvelopeFacts,
  scanFlowEnvelope,
  scanStoredLeaf,
  scanUniversal,
  type UniversalScan,
} from "../envelope/index.ts";
import type { RecordTrust } from "../wal/index.ts";

/** What is known of an event beside its bytes. */
export interface EventColumns {
  /** The log's own number. */
  readonly id: number;
  readonly agent: string;
  readonly kind: RecordKind;
  readonly trust: RecordTrust;
  /** Nanoseconds since the Unix epoch. */
  readonly receivedNs: bigint;
  /** Whether the bytes are still those that were stored. */
  readonly intact: boolean;
}

/** An event that was opened, for people and scripts. */
export interface EventView extends EventColumns {
  /** Empty for earlier agents. */
  readonly epoch: string;
  /** 0 for earlier agents. */
  readonly sequence: number;
  /** EPOCH.SEQUENCE, or what an earlier agent chose. */
  readonly key: string;
  /** The sender's time, nanoseconds since the Unix epoch. */
  readonly tsNs: bigint;
  readonly synthetic: boolean;
  readonly payload: DecodedPayload | undefined;
  /** Why there is no payload. */
  readonly problem: string | undefined;
}

/** Opens an event of messaging.UniversalEnvelope, whole or as leaf bytes; what cannot be read is said, not thrown. */
export function viewUniversal(columns: EventColumns, bytes: Uint8Array): EventView {
  const scan = scanEither(bytes);
  return scan.ok ? viewFacts(columns, scan.facts) : viewProblem(columns, scan.reason);
}

/** Opens a first-generation messaging.Envelope; what cannot be read is said, not thrown. */
export function viewFlowEnvelope(columns: EventColumns, bytes: Uint8Array): EventView {
  const scan = scanFlowEnvelope(bytes);
  if (!scan.ok) return viewProblem(columns, scan.reason);
  const { key, tsNs, flow, payload } = scan.facts;
  // some earlier agents put other things than flows into the payload: the log knows, the envelope does not
  const content = flow ? decodePayload("flow", flow) : decodePayload(columns.kind, payload ?? new Uint8Array());
  const view = { ...columns, epoch: "", sequence: 0, key, tsNs, synthetic: false };
  return content.ok
    ? { ...view, payload: content.payload, problem: undefined }
    : { ...view, payload: undefined, problem: content.reason };
}

/** Leaf bytes are what an envelope is without its signature. */
function scanEither(bytes: Uint8Array): UniversalScan {
  const leaf = scanStoredLeaf(bytes);
  return leaf.ok ? leaf : scanUniversal(bytes);
}

function viewFacts(columns: EventColumns, facts: EnvelopeFacts): EventView {
  const { epoch, sequence, key, tsNs, synthetic, kind } = facts;
  const view = { ...columns, epoch, sequence, key, tsNs, synthetic };
  if (kind !== columns.kind) {
    return { ...view, payload: undefined, problem: `the bytes hold a ${kind}, the log says ${columns.kind}` };
  }
  const content = decodePayload(kind, facts.payload);
  return content.ok
    ? { ...view, payload: content.payload, problem: undefined }
    : { ...view, payload: undefined, problem: content.reason };
}

function viewProblem(columns: EventColumns, problem: string): EventView {
  return { ...columns, epoch: "", sequence: 0, key: "", tsNs: 0n, synthetic: false, payload: undefined, problem };
}
