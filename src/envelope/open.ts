import { leafHash, rootFromPath, treeRoot } from "../core/merkle.ts";
import type { EnvelopeFacts } from "./facts.ts";
import { plainAlgorithm, treeAlgorithm, treeLeavesMax } from "./limits.ts";
import type { KeyMoment, SignatureVerifier } from "./signature.ts";
import { plainMessage, treeMessage } from "./signed-messages.ts";

/** Whether an envelope that stands alone is signed by a key of its agent; a leaf of a tree through its proof. */
export function verifyStandalone(facts: EnvelopeFacts, verifier: SignatureVerifier, at: KeyMoment): boolean {
  const { agent, sig, algorithm, proof } = facts;
  if (sig?.length !== 64) return false;
  const leaf = facts.leafBytes();
  if (algorithm === plainAlgorithm) {
    return verifier.verifySignature(agent, plainMessage(agent, leaf), sig, at);
  }
  if (algorithm !== treeAlgorithm || !proof) return false;
  const root = rootFromPath(leafHash(leaf), proof.index, proof.size, proof.path);
  return root !== undefined && verifier.verifySignature(agent, treeMessage(agent, proof.size, root), sig, at);
}

/**
 * Whether a group's leaves are signed by a key of the agent: by their root, or, of one leaf, by itself. That the leaves
 * are canonical and of this agent is the caller's to check.
 */
export function verifyTree(
  agent: string,
  leaves: readonly Uint8Array[],
  sig: Uint8Array,
  verifier: SignatureVerifier,
  at: KeyMoment,
): boolean {
  const [first] = leaves;
  if (!first || leaves.length > treeLeavesMax || sig.length !== 64) return false;
  const message =
    leaves.length === 1
      ? plainMessage(agent, first)
      : treeMessage(agent, leaves.length, treeRoot(leaves.map(leafHash)));
  return verifier.verifySignature(agent, message, sig, at);
}
