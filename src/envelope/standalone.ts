import { AmoskysError } from "../core/errors.ts";
import { auditPath, leafHash } from "../core/merkle.ts";
import { FieldCursor } from "./field-cursor.ts";
import { proofBytes } from "./record-bytes.ts";
import { fieldSize, WireWriter } from "./wire-writer.ts";

/**
 * The envelope that stands alone: a leaf with the group's signature put in, and with its proof where the group is a
 * tree. Hashes the whole tree.
 */
export function standaloneEnvelope(
  group: { readonly leaves: readonly Uint8Array[]; readonly sig: Uint8Array },
  index: number,
): Uint8Array {
  const { leaves, sig } = group;
  const leaf = leaves[index];
  if (!leaf) throw new AmoskysError("internal", `No leaf ${index} in a group of ${leaves.length}`);
  const proof =
    leaves.length > 1
      ? proofBytes({ index, size: leaves.length, path: auditPath(leaves.map(leafHash), index) })
      : undefined;
  return splice(leaf, sig, proof);
}

/** Puts fields 8 and 104 where they belong by number. */
function splice(leaf: Uint8Array, sig: Uint8Array, proof: Uint8Array | undefined): Uint8Array {
  const sigAt = startOfFieldAbove(leaf, 8);
  const proofAt = startOfFieldAbove(leaf, 104);
  const writer = new WireWriter(leaf.length + fieldSize(8, sig.length) + (proof ? fieldSize(104, proof.length) : 0));
  writer.raw(leaf.subarray(0, sigAt));
  writer.field(8, sig);
  writer.raw(leaf.subarray(sigAt, proofAt));
  if (proof) writer.field(104, proof);
  writer.raw(leaf.subarray(proofAt));
  return writer.bytes;
}

function startOfFieldAbove(leaf: Uint8Array, field: number): number {
  const cursor = new FieldCursor(leaf, true);
  while (cursor.next()) if (cursor.field > field) return cursor.at;
  return leaf.length;
}
