import { describe, expect, test } from "bun:test";
import { auditPath, leafHash, treeRoot } from "../../src/core/merkle.ts";
import {
  type EnvelopeFacts,
  encodePublishTree,
  plainMessage,
  scanLeaf,
  scanStoredLeaf,
  scanUniversal,
  sealGroup,
  splitTree,
  standaloneEnvelope,
  treeMessage,
  type UniversalScan,
  verifyStandalone,
  verifyTree,
} from "../../src/envelope/index.ts";
import { createIndependentVerifier, createTestSigner, createTestVerifier } from "./keys.ts";
import { fromHex, vectors } from "./vectors.ts";

const seed = fromHex(vectors.seed);
const { agent, epoch, plain, tree } = vectors;
const signer = createTestSigner(agent, seed);
const verifiers = {
  runtime: createTestVerifier(agent, seed),
  tweetnacl: createIndependentVerifier(agent, fromHex(vectors.public_key)),
};

function factsOf(scan: UniversalScan): EnvelopeFacts {
  if (!scan.ok) throw new Error(scan.reason);
  return scan.facts;
}

function bodyOf(facts: EnvelopeFacts) {
  if (facts.loss) return { kind: "loss", loss: facts.loss } as const;
  return { kind: facts.kind as "flow", payload: facts.payload } as const;
}

describe("vectors of another implementation, read", () => {
  for (const vector of plain) {
    test(`plain envelope ${vector.sequence}`, () => {
      const facts = factsOf(scanUniversal(fromHex(vector.envelope)));
      expect({ agent: facts.agent, epoch: facts.epoch, sequence: facts.sequence }).toEqual({
        agent,
        epoch,
        sequence: vector.sequence,
      });
      expect(facts.key).toBe(`${epoch}.${vector.sequence.toString(16).padStart(16, "0")}`);
      expect(facts.leafBytes().toHex()).toBe(vector.leaf_bytes);
      expect(facts.sig?.toHex()).toBe(vector.sig);
      expect(plainMessage(agent, facts.leafBytes()).toHex()).toBe(vector.signed_message);
      for (const verifier of Object.values(verifiers)) expect(verifyStandalone(facts, verifier, "ever")).toBe(true);
    });
  }

  test("the loss record and the chain", () => {
    const first = factsOf(scanUniversal(fromHex(plain[0]?.envelope ?? "")));
    const second = factsOf(scanUniversal(fromHex(plain[1]?.envelope ?? "")));
    expect(first.prevSig.length).toBe(0);
    expect(second.prevSig).toEqual(first.sig as Uint8Array);
    expect(second.kind).toBe("loss");
    expect(second.loss).toEqual({
      firstSequence: 2,
      lastSequence: 5,
      count: 4,
      reason: "budget",
      startNs: 1_700_000_000_000_000_000n,
      endNs: 1_700_000_001_000_000_000n,
    });
  });

  test("the tree: hashes, root, signature, each leaf alone", () => {
    const leaves = tree.leaf_bytes.map(fromHex);
    const hashes = leaves.map(leafHash);
    expect(hashes.map((hash) => hash.toHex())).toEqual(tree.leaf_hashes);
    expect(treeRoot(hashes).toHex()).toBe(tree.root);
    expect(treeMessage(agent, leaves.length, treeRoot(hashes)).toHex()).toBe(tree.signed_message);
    for (const verifier of Object.values(verifiers)) {
      expect(verifyTree(agent, leaves, fromHex(tree.sig), verifier, "ever")).toBe(true);
    }
    for (const [i, hex] of tree.envelopes_alone.entries()) {
      const facts = factsOf(scanUniversal(fromHex(hex)));
      expect(facts.leafBytes()).toEqual(leaves[i] as Uint8Array);
      expect(facts.proof).toEqual({ index: i, size: leaves.length, path: auditPath(hashes, i) });
      for (const verifier of Object.values(verifiers)) expect(verifyStandalone(facts, verifier, "ever")).toBe(true);
    }
  });
});

describe("vectors of another implementation, made again", () => {
  for (const vector of plain) {
    test(`plain envelope ${vector.sequence}`, () => {
      const facts = factsOf(scanStoredLeaf(fromHex(vector.leaf_bytes)));
      const group = sealGroup(
        {
          epoch,
          firstSequence: vector.sequence,
          prevSig: facts.prevSig,
          leaves: [{ tsNs: facts.tsNs, body: bodyOf(facts) }],
        },
        signer,
      );
      expect(group.leaves.map((leaf) => leaf.toHex())).toEqual([vector.leaf_bytes]);
      expect(group.sig.toHex()).toBe(vector.sig);
      expect(standaloneEnvelope(group, 0).toHex()).toBe(vector.envelope);
    });
  }

  test("the tree, as one message and leaf by leaf", () => {
    const inputs = tree.leaf_bytes.map((hex) => {
      const facts = factsOf(scanLeaf(fromHex(hex)));
      return { tsNs: facts.tsNs, body: bodyOf(facts) };
    });
    const prevSig = fromHex(plain[1]?.sig ?? "");
    const group = sealGroup({ epoch, firstSequence: 7, prevSig, leaves: inputs }, signer);
    expect(group.leaves.map((leaf) => leaf.toHex())).toEqual(tree.leaf_bytes);
    expect(group.sig.toHex()).toBe(tree.sig);
    for (const [i, hex] of tree.envelopes_alone.entries()) expect(standaloneEnvelope(group, i).toHex()).toBe(hex);
    const split = splitTree(encodePublishTree(group));
    expect(split).toEqual({ ok: true, agent, leaves: group.leaves, sig: group.sig });
  });
});

describe("vectors of another implementation, damaged", () => {
  const envelopes = [...plain.map((vector) => vector.envelope), ...tree.envelopes_alone].map(fromHex);

  function accepted(bytes: Uint8Array): boolean {
    const scan = scanUniversal(bytes);
    return scan.ok && verifyStandalone(scan.facts, verifiers.runtime, "ever");
  }

  test("no truncation passes", () => {
    for (const envelope of envelopes) {
      expect(accepted(envelope)).toBe(true);
      for (let length = 0; length < envelope.length; length += 1) {
        expect(accepted(envelope.subarray(0, length))).toBe(false);
      }
    }
  });

  test("no flipped bit passes", () => {
    for (const envelope of envelopes.slice(1, 4)) {
      for (let i = 0; i < envelope.length; i += 1) {
        const flipped = envelope.slice();
        flipped[i] = (flipped[i] as number) ^ (1 << (i & 7));
        expect(accepted(flipped)).toBe(false);
      }
    }
  });

  test("no truncation of leaf bytes is a leaf of the tree", () => {
    const leaves = tree.leaf_bytes.map(fromHex);
    const first = leaves[0] as Uint8Array;
    for (let length = 0; length < first.length; length += 1) {
      const cut = [first.subarray(0, length), ...leaves.slice(1)];
      expect(verifyTree(agent, cut, fromHex(tree.sig), verifiers.runtime, "ever")).toBe(false);
      expect(scanLeaf(first.subarray(0, length)).ok).toBe(false);
    }
  });
});
