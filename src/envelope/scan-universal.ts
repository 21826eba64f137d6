import { isAgentName } from "../core/agent-name.ts";
import type { RecordKind } from "../core/event.ts";
import type { EnvelopeFacts } from "./facts.ts";
import { type Refused, refuse } from "./fault.ts";
import { FieldCursor } from "./field-cursor.ts";
import { envelopeBytesMax, leafBytesMax, plainAlgorithm, sequenceMax, treeAlgorithm } from "./limits.ts";
import { scanLoss, scanParked, scanProof, stampNsMax } from "./scan-records.ts";
import { FieldSet, nextShaped, universalShape } from "./shapes.ts";
import { envelopeKey } from "./signed-messages.ts";
import { textOf } from "./text.ts";
import { UniversalFacts } from "./universal-facts.ts";

/** The answer of the walker over a UniversalEnvelope. */
export type UniversalScan = { readonly ok: true; readonly facts: EnvelopeFacts } | Refused;

/** What `signing_algorithm` says in envelopes of earlier agents. */
const legacyAlgorithms: ReadonlySet<string> = new Set(["", "Ed25519"]);

/** Fields that hold what an envelope is about, with the kind of record they make. */
const payloadKinds: Readonly<Record<number, RecordKind>> = {
  4: "flow",
  5: "process",
  6: "device",
  7: "batch",
  103: "loss",
  105: "parked",
};

/**
 * Reads a messaging.UniversalEnvelope off its bytes. `ed25519-v2` and `ed25519-v2-tree` must be canonical; envelopes of
 * earlier agents may come in any order and form that protobuf allows, with each field once.
 */
export function scanUniversal(bytes: Uint8Array): UniversalScan {
  if (bytes.length > envelopeBytesMax) {
    return refuse("too_large", `an envelope of ${bytes.length} bytes, at most ${envelopeBytesMax} are taken`);
  }
  // The walk is strict first: that is what nearly all are. The algorithm, which decides, comes behind most fields.
  const strict = walk(bytes, true);
  if (strict.ok) return legacyAlgorithms.has(strict.facts.algorithm) ? asLegacy(strict.facts) : asSealed(strict.facts);
  const lenient = strict.fault === "non_canonical" ? walk(bytes, false) : strict;
  return lenient.ok && legacyAlgorithms.has(lenient.facts.algorithm) ? asLegacy(lenient.facts) : strict;
}

/** Reads the leaf bytes of an envelope in a tree: canonical, without sig and proof. */
export function scanLeaf(bytes: Uint8Array): UniversalScan {
  const scan = scanStoredLeaf(bytes);
  if (!scan.ok || scan.facts.algorithm === treeAlgorithm) return scan;
  return refuse("non_canonical", `a leaf of a tree whose signing_algorithm is not ${treeAlgorithm}`);
}

/** Reads leaf bytes as a log keeps them: those of a tree, or of a group of one, which is no tree. */
export function scanStoredLeaf(bytes: Uint8Array): UniversalScan {
  if (bytes.length > leafBytesMax) {
    return refuse("too_large", `a leaf of ${bytes.length} bytes, at most ${leafBytesMax} are taken`);
  }
  const scan = walk(bytes, true);
  if (!scan.ok) return scan;
  const { facts } = scan;
  if (facts.sig || facts.proof) return refuse("non_canonical", "a leaf with a signature or a proof in it");
  return asV2(facts);
}

type Walk = { readonly ok: true; readonly facts: UniversalFacts } | Refused;

function walk(bytes: Uint8Array, strict: boolean): Walk {
  const facts = new UniversalFacts(bytes);
  const cursor = new FieldCursor(bytes, strict);
  const seen = new FieldSet();
  let payloads = 0;
  while (nextShaped(cursor, universalShape, strict, seen)) {
    const kind = payloadKinds[cursor.field];
    if (kind) {
      payloads += 1;
      if (payloads === 1) {
        facts.kind = kind;
        facts.payload = cursor.value();
      }
    } else {
      takeField(facts, cursor);
    }
  }
  if (cursor.fault) return refuse(cursor.fault, cursor.reason);
  if (payloads === 0) return refuse("missing", "missing payload: the envelope holds no event");
  if (payloads > 1) return refuse("non_canonical", "the envelope holds more than one payload");
  if (facts.tsNs > stampNsMax) return refuse("undecodable", "ts_ns lies beyond the year 2262");
  return readRecords(facts);
}

function takeField(facts: UniversalFacts, cursor: FieldCursor): void {
  switch (cursor.field) {
    case 1:
      facts.version = shortText(cursor);
      break;
    case 2:
      facts.tsNs = cursor.uint64();
      break;
    case 3:
      facts.key = shortText(cursor);
      break;
    case 8:
      if (cursor.end > cursor.start) facts.sig = cursor.value();
      break;
    case 9:
      facts.prevSig = cursor.value();
      break;
    case 10:
      facts.algorithm = shortText(cursor);
      break;
    case 15:
      facts.retryCount = cursor.count();
      break;
    case 100:
      facts.agent = shortText(cursor);
      break;
    case 101:
      facts.epoch = epochText(cursor);
      break;
    case 102:
      facts.sequence = cursor.count();
      break;
    case 104:
      facts.proofBytes = cursor.value();
      break;
    case 106:
      facts.synthetic = cursor.low !== 0;
      break;
  }
}

/** Text of a field; a short one of ASCII, which nearly all are, without the cost of a decoder. */
function shortText(cursor: FieldCursor): string {
  const { bytes, start, end } = cursor;
  if (end - start > 16) return textOf(cursor.value());
  let result = "";
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) return textOf(cursor.value());
    result += String.fromCharCode(byte);
  }
  return result;
}

/** A fixed64 is little endian on the wire; people and keys read it the other way round. */
function epochText({ bytes, start }: FieldCursor): string {
  return hex32(bytes, start + 4) + hex32(bytes, start);
}

function hex32(bytes: Uint8Array, at: number): string {
  const high = ((bytes[at + 3] as number) << 8) | (bytes[at + 2] as number);
  const low = ((bytes[at + 1] as number) << 8) | (bytes[at] as number);
  return (high * 0x1_0000 + low).toString(16).padStart(8, "0");
}

function readRecords(facts: UniversalFacts): Walk {
  if (facts.kind === "loss") {
    const scan = scanLoss(facts.payload);
    if (!scan.ok) return scan;
    facts.loss = scan.loss;
  } else if (facts.kind === "parked") {
    const scan = scanParked(facts.payload);
    if (!scan.ok) return scan;
    facts.parked = scan.parked;
  }
  if (facts.proofBytes) {
    const scan = scanProof(facts.proofBytes);
    if (!scan.ok) return scan;
    facts.proof = scan.proof;
  }
  return { ok: true, facts };
}

function asV2(facts: UniversalFacts): UniversalScan {
  const { algorithm, agent, epoch, sequence } = facts;
  if (algorithm !== plainAlgorithm && algorithm !== treeAlgorithm) {
    return refuse("undecodable", "the envelope's signing_algorithm is not known here");
  }
  if (!isAgentName(agent)) return refuse("non_canonical", "the envelope's agent is no valid name");
  if (epoch === "") return refuse("non_canonical", "the envelope names no epoch");
  if (sequence < 1 || sequence > sequenceMax) return refuse("non_canonical", "the sequence is not in 1 to 2^53 - 1");
  if (facts.key !== envelopeKey(epoch, sequence)) {
    return refuse("non_canonical", "idempotency_key is not the epoch and the sequence in hexadecimal");
  }
  return { ok: true, facts };
}

function asSealed(facts: UniversalFacts): UniversalScan {
  const scan = asV2(facts);
  if (!scan.ok) return scan;
  if ((facts.algorithm === treeAlgorithm) !== (facts.proof !== undefined)) {
    return refuse("non_canonical", "a proof belongs to the envelopes of a tree, and only to them");
  }
  return scan;
}

function asLegacy(facts: UniversalFacts): UniversalScan {
  if (facts.agent !== "" || facts.epoch !== "" || facts.sequence !== 0 || facts.proof || facts.loss || facts.parked) {
    return refuse("non_canonical", "an envelope without a v2 signature must not carry the fields 100 to 105");
  }
  return { ok: true, facts };
}
