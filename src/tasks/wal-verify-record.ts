import { bytesEqual } from "../core/bytes.ts";
import type { RecordKind } from "../core/event.ts";
import { blake2b256 } from "../core/hashes.ts";
import {
  type EnvelopeFacts,
  type FlowEnvelopeFacts,
  legacyUniversalJudgedBytes,
  legacyUniversalSignedBytes,
  plainAlgorithm,
  scanFlowEnvelope,
  scanStoredLeaf,
  scanUniversal,
  treeAlgorithm,
} from "../envelope/index.ts";
import type { StoredRecord } from "../wal/index.ts";

/** What a record's bytes are: sealed by an agent of today, or sent by one of the first generations. */
export type RecordContent =
  | { readonly type: "sealed"; readonly facts: EnvelopeFacts }
  | { readonly type: "legacy"; readonly legacy: LegacyContent };

/** What the signature and the duplicate check of an earlier agent's envelope go by. */
export interface LegacyContent {
  readonly key: string;
  readonly tsNs: bigint;
  /** Undefined where the bytes do not say. */
  readonly kind: RecordKind | undefined;
  readonly sig: Uint8Array | undefined;
  readonly signedBytes: Uint8Array;
  readonly judgedBytes: Uint8Array;
}

/** Reads a record's bytes by their form; a text says why they cannot be read. */
export function readContent({ form, bytes }: StoredRecord): RecordContent | string {
  if (form === "envelope") {
    const scan = scanFlowEnvelope(bytes);
    return scan.ok ? { type: "legacy", legacy: flowContent(scan.facts) } : scan.reason;
  }
  const scan = form === "leaf" ? scanStoredLeaf(bytes) : scanUniversal(bytes);
  if (!scan.ok) return scan.reason;
  const { facts } = scan;
  if (facts.algorithm === plainAlgorithm || facts.algorithm === treeAlgorithm) return { type: "sealed", facts };
  const { key, tsNs, kind, sig } = facts;
  const signedBytes = legacyUniversalSignedBytes(bytes);
  return {
    type: "legacy",
    legacy: { key, tsNs, kind, sig, signedBytes, judgedBytes: legacyUniversalJudgedBytes(bytes) },
  };
}

function flowContent(facts: FlowEnvelopeFacts): LegacyContent {
  const { key, tsNs, sig, flow } = facts;
  const kind = flow ? "flow" : undefined;
  return { key, tsNs, kind, sig, signedBytes: facts.signedBytes(), judgedBytes: facts.judgedBytes() };
}

/** The first column of a record that says something else than its bytes, as one line; undefined where all agree. */
export function indexProblem(record: StoredRecord, content: RecordContent): string | undefined {
  const { facts, legacy } = { facts: undefined, legacy: undefined, ...content };
  if (facts) return sealedProblem(record, facts);
  return legacy && legacyProblem(record, legacy);
}

function differs(column: string, inLog: unknown, inBytes: unknown): string | undefined {
  return inLog === inBytes ? undefined : `the log says ${column} ${inLog}, the bytes say ${inBytes}`;
}

function sealedProblem(
  { source, sequence, kind, tsNs, trust }: StoredRecord,
  facts: EnvelopeFacts,
): string | undefined {
  return (
    differs("agent", source.agent, facts.agent) ??
    differs("epoch", source.epoch, facts.epoch) ??
    differs("sequence", sequence, facts.sequence) ??
    differs("kind", kind, facts.kind) ??
    differs("ts_ns", tsNs, facts.tsNs) ??
    differs("trust", trust, "verified")
  );
}

function legacyProblem(record: StoredRecord, legacy: LegacyContent): string | undefined {
  const { source, sequence, legacyKey, judgedDigest, kind, tsNs, trust } = record;
  if (source.epoch !== "" || sequence !== 0)
    return "the log says it was sealed by an agent of today, its bytes were not";
  if (trust === "verified") return "the log says it was verified, which envelopes of this form cannot be";
  if (legacyKey !== undefined && legacyKey !== legacy.key) return "the log has another key than the bytes";
  if (judgedDigest && !bytesEqual(judgedDigest, blake2b256(legacy.judgedBytes))) {
    return "the digest that duplicates are judged by is not that of the bytes";
  }
  return differs("kind", kind, legacy.kind ?? kind) ?? differs("ts_ns", tsNs, legacy.tsNs);
}
