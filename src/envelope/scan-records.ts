import type { LossFacts, ParkedFacts, ProofFacts } from "./facts.ts";
import { type Refused, refuse } from "./fault.ts";
import { FieldCursor } from "./field-cursor.ts";
import { proofPathMax, sequenceMax, treeLeavesMax } from "./limits.ts";
import { FieldSet, lossShape, type MessageShape, nextShaped, parkedShape, proofShape } from "./shapes.ts";
import { textOf } from "./text.ts";

const nothing: Uint8Array = new Uint8Array();

/** The last stamp that a signed 64-bit integer holds, in the year 2262. */
export const stampNsMax = (1n << 63n) - 1n;

/** Walks over one of the small records in an envelope; refused unless canonical, like the envelope itself. */
function walk(bytes: Uint8Array, shape: MessageShape, onField: (cursor: FieldCursor) => void): Refused | undefined {
  const cursor = new FieldCursor(bytes, true);
  const seen = new FieldSet();
  while (nextShaped(cursor, shape, true, seen)) onField(cursor);
  return cursor.fault ? refuse(cursor.fault, cursor.reason) : undefined;
}

/** Reads an amoskys.v1.LossRecord. */
export function scanLoss(bytes: Uint8Array): { ok: true; loss: LossFacts } | Refused {
  const loss = { firstSequence: 0, lastSequence: 0, count: 0, reason: "", startNs: 0n, endNs: 0n };
  const refused = walk(bytes, lossShape, (cursor) => {
    if (cursor.field === 1) loss.firstSequence = cursor.count();
    else if (cursor.field === 2) loss.lastSequence = cursor.count();
    else if (cursor.field === 3) loss.count = cursor.count();
    else if (cursor.field === 4) loss.reason = textOf(cursor.value());
    else if (cursor.field === 5) loss.startNs = cursor.uint64();
    else if (cursor.field === 6) loss.endNs = cursor.uint64();
  });
  if (refused) return refused;
  const { firstSequence, lastSequence, count, startNs, endNs } = loss;
  if (firstSequence < 1 || lastSequence < firstSequence || lastSequence > sequenceMax) {
    return refuse("undecodable", "a loss record without a range of sequences");
  }
  if (count < 1 || count > lastSequence - firstSequence + 1) {
    return refuse("undecodable", "a loss record whose count does not fit its range");
  }
  if (startNs > stampNsMax || endNs > stampNsMax) return refuse("undecodable", "a loss record beyond the year 2262");
  return { ok: true, loss };
}

/** Reads an amoskys.v1.ParkedRecord. */
export function scanParked(bytes: Uint8Array): { ok: true; parked: ParkedFacts } | Refused {
  const parked = { sequence: 0, digest: nothing, code: "", reason: "" };
  const refused = walk(bytes, parkedShape, (cursor) => {
    if (cursor.field === 1) parked.sequence = cursor.count();
    else if (cursor.field === 2) parked.digest = cursor.value();
    else if (cursor.field === 3) parked.code = textOf(cursor.value());
    else if (cursor.field === 4) parked.reason = textOf(cursor.value());
  });
  if (refused) return refused;
  if (parked.sequence < 1 || parked.sequence > sequenceMax) {
    return refuse("undecodable", "a parked record without a sequence");
  }
  if (parked.digest.length !== 32) return refuse("undecodable", "a parked record without a digest of 32 bytes");
  return { ok: true, parked };
}

/** Reads an amoskys.v1.TreeProof. */
export function scanProof(bytes: Uint8Array): { ok: true; proof: ProofFacts } | Refused {
  const path: Uint8Array[] = [];
  let index = 0;
  let size = 0;
  const refused = walk(bytes, proofShape, (cursor) => {
    if (cursor.field === 1) index = cursor.count();
    else if (cursor.field === 2) size = cursor.count();
    else if (cursor.field === 3) path.push(cursor.value());
  });
  if (refused) return refused;
  if (size < 2 || size > treeLeavesMax || index >= size) {
    return refuse("undecodable", `a proof outside a tree of 2 to ${treeLeavesMax} leaves`);
  }
  if (path.length > proofPathMax || path.some((hash) => hash.length !== 32)) {
    return refuse("undecodable", "a proof whose path is no row of SHA-256 hashes");
  }
  return { ok: true, proof: { index, size, path } };
}
