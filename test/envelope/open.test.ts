import { describe, expect, test } from "bun:test";
import {
  type EnvelopeFacts,
  plainAlgorithm,
  scanUniversal,
  treeAlgorithm,
  verifyStandalone,
  verifyTree,
} from "../../src/envelope/index.ts";
import { createIndependentVerifier, createTestVerifier } from "./keys.ts";
import { universalType } from "./universal-arbitrary.ts";
import { fromHex, vectors } from "./vectors.ts";

const { agent, tree, plain } = vectors;
const verifiers = [
  ["runtime", createTestVerifier(agent, fromHex(vectors.seed))],
  ["tweetnacl", createIndependentVerifier(agent, fromHex(vectors.public_key))],
] as const;
const leaves = tree.leaf_bytes.map(fromHex);
const sig = fromHex(tree.sig);

function factsWith(hex: string, changes: Record<string, unknown>): EnvelopeFacts {
  const made = universalType.toObject(universalType.decode(fromHex(hex)));
  const scan = scanUniversal(new Uint8Array(universalType.encode({ ...made, ...changes }).finish()));
  if (!scan.ok) throw new Error(scan.reason);
  return scan.facts;
}

describe.each(verifiers)("verifyStandalone with %s", (_name, verifier) => {
  const plainHex = plain[0]?.envelope ?? "";
  const leafHex = tree.envelopes_alone[2] ?? "";

  test("unchanged envelopes pass", () => {
    expect(verifyStandalone(factsWith(plainHex, {}), verifier, "ever")).toBe(true);
    expect(verifyStandalone(factsWith(leafHex, {}), verifier, "ever")).toBe(true);
  });

  test.each([
    ["another stamp", { ts_ns: 5 }],
    ["another payload", { flow: { src_ip: "10.0.0.9" } }],
    ["another chain", { prev_sig: new Uint8Array(64).fill(9) }],
    ["another agent", { agent: "other" }],
    ["a mark of synthetic", { is_synthetic: true }],
    ["another signature", { sig: new Uint8Array(64) }],
    ["half a signature", { sig: sig.subarray(0, 32) }],
    ["no signature", { sig: undefined }],
  ])("%s fails", (_change, changes) => {
    expect(verifyStandalone(factsWith(plainHex, changes), verifier, "ever")).toBe(false);
    expect(verifyStandalone(factsWith(leafHex, changes), verifier, "ever")).toBe(false);
  });

  test("a signature of another length never reaches the verifier", () => {
    const credulous = { verifySignature: () => true };
    for (const length of [0, 32, 63, 65]) {
      const facts = factsWith(plainHex, { sig: length === 0 ? undefined : new Uint8Array(length) });
      expect(verifyStandalone(facts, credulous, "ever")).toBe(false);
      expect(verifyTree(agent, leaves, new Uint8Array(length), credulous, "ever")).toBe(false);
    }
  });

  test("a proof of another place fails", () => {
    const { proof } = factsWith(leafHex, {});
    const moved = (changes: object) => factsWith(leafHex, { proof: { ...proof, ...changes } });
    expect(verifyStandalone(moved({}), verifier, "ever")).toBe(true);
    expect(verifyStandalone(moved({ index: 3 }), verifier, "ever")).toBe(false);
    expect(verifyStandalone(moved({ size: 6 }), verifier, "ever")).toBe(false);
    expect(verifyStandalone(moved({ path: proof?.path.slice(1) }), verifier, "ever")).toBe(false);
    expect(verifyStandalone(moved({ path: proof?.path.toReversed() }), verifier, "ever")).toBe(false);
  });

  test("a plain signature does not serve as a tree's, nor the reverse", () => {
    const { proof } = factsWith(leafHex, {});
    expect(
      verifyStandalone(
        factsWith(plainHex, { signing_algorithm: treeAlgorithm, proof: { ...proof } }),
        verifier,
        "ever",
      ),
    ).toBe(false);
    expect(
      verifyStandalone(factsWith(leafHex, { signing_algorithm: plainAlgorithm, proof: undefined }), verifier, "ever"),
    ).toBe(false);
  });
});

describe.each(verifiers)("verifyTree with %s", (_name, verifier) => {
  test.each([
    ["a leaf missing", leaves.slice(1)],
    ["the last leaf missing", leaves.slice(0, -1)],
    ["a leaf twice", [...leaves, leaves[0] as Uint8Array]],
    ["two leaves swapped", [leaves[1], leaves[0], ...leaves.slice(2)] as Uint8Array[]],
    ["a leaf changed", leaves.with(2, (leaves[2] as Uint8Array).with(40, 1))],
    ["no leaves", []],
  ])("%s fails", (_change, changed) => {
    expect(verifyTree(agent, leaves, sig, verifier, "ever")).toBe(true);
    expect(verifyTree(agent, changed, sig, verifier, "ever")).toBe(false);
  });

  test("another agent's name fails", () => {
    const anybody = {
      verifySignature: (_agent: string, message: Uint8Array, s: Uint8Array) =>
        verifier.verifySignature(agent, message, s, "ever"),
    };
    expect(verifyTree("other", leaves, sig, anybody, "ever")).toBe(false);
  });

  test("one leaf is verified by itself", () => {
    const vector = plain[1] as (typeof plain)[number];
    expect(verifyTree(agent, [fromHex(vector.leaf_bytes)], fromHex(vector.sig), verifier, "ever")).toBe(true);
  });
});
