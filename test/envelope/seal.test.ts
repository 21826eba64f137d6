import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type LeafInput,
  leafBytesMax,
  leafOverheadBytesMax,
  payloadBytesMax,
  scanLeaf,
  scanStoredLeaf,
  sealGroup,
  sequenceMax,
  standaloneEnvelope,
  treeBytesMax,
  treeLeavesMax,
  verifyTree,
} from "../../src/envelope/index.ts";
import { createTestSigner, createTestVerifier } from "./keys.ts";
import { universalType } from "./universal-arbitrary.ts";
import { fromHex, vectors } from "./vectors.ts";
import { splitFields } from "./wire.ts";

const seed = fromHex(vectors.seed);
const { epoch } = vectors;
const agent = "a".repeat(64);
const signer = createTestSigner(agent, seed);
const verifier = createTestVerifier(agent, seed);
const prevSig = new Uint8Array(64).fill(7);
const flow = (length: number, tsNs = 1n): LeafInput => ({
  tsNs,
  body: { kind: "flow", payload: new Uint8Array(length) },
});

const leafInput: fc.Arbitrary<LeafInput> = fc.record({
  tsNs: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
  body: fc.oneof(
    fc.record({
      kind: fc.constantFrom("flow" as const, "process" as const, "device" as const),
      payload: fc.uint8Array({ maxLength: 300 }),
      synthetic: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("loss" as const),
      loss: fc.record({
        firstSequence: fc.constant(3),
        lastSequence: fc.integer({ min: 5, max: 2 ** 31 }),
        count: fc.integer({ min: 1, max: 3 }),
        reason: fc.constantFrom("budget", "queue", ""),
        startNs: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
        endNs: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
      }),
    }),
    fc.record({
      kind: fc.constant("parked" as const),
      parked: fc.record({
        sequence: fc.maxSafeInteger().filter((n) => n >= 1),
        digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        code: fc.constantFrom("conflict", "undecodable"),
        reason: fc.string({ maxLength: 20, unit: "grapheme" }).filter((s) => s.isWellFormed()),
      }),
    }),
  ),
});

describe("sealGroup", () => {
  test("every leaf is canonical, says what was put in, and is signed", () => {
    fc.assert(
      fc.property(
        fc.array(leafInput, { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: sequenceMax - 10 }),
        fc.boolean(),
        (leaves, firstSequence, chained) => {
          const previous = chained ? prevSig : new Uint8Array();
          const group = sealGroup({ epoch, firstSequence, prevSig: previous, leaves }, signer);
          expect(group.leaves.length).toBe(leaves.length);
          for (const [i, leaf] of group.leaves.entries()) {
            const scan = scanStoredLeaf(leaf);
            if (!scan.ok) throw new Error(scan.reason);
            const { tsNs, body } = leaves[i] as LeafInput;
            const { facts } = scan;
            expect(facts).toMatchObject({ tsNs, kind: body.kind, agent, epoch, sequence: firstSequence + i });
            expect(facts.algorithm).toBe(leaves.length > 1 ? "ed25519-v2-tree" : "ed25519-v2");
            expect(facts.prevSig).toEqual(previous);
            if (body.kind === "loss") expect(facts.loss).toEqual(body.loss);
            else if (body.kind === "parked") expect(facts.parked).toEqual(body.parked);
            else
              expect({ kind: facts.kind, payload: facts.payload, synthetic: facts.synthetic }).toEqual(
                body as typeof facts,
              );
          }
          expect(verifyTree(agent, group.leaves, group.sig, verifier, "ever")).toBe(true);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });

  test("another protobuf implementation writes the same bytes", () => {
    fc.assert(
      fc.property(leafInput, (input) => {
        const body = "payload" in input.body ? { ...input.body, payload: new Uint8Array() } : input.body;
        const leaves = [{ ...input, body }];
        const [leaf] = sealGroup({ epoch, firstSequence: 9, prevSig, leaves }, signer).leaves;
        const again = universalType.encode(universalType.decode(leaf as Uint8Array)).finish();
        expect(splitFields(leaf as Uint8Array)).toEqual(splitFields(new Uint8Array(again)));
      }),
      { seed: 8, numRuns: 200 },
    );
  });

  test("the largest group and the largest payload fit", () => {
    const full = sealGroup(
      { epoch, firstSequence: 1, prevSig, leaves: Array.from({ length: treeLeavesMax }, () => flow(9)) },
      signer,
    );
    expect(verifyTree(agent, full.leaves, full.sig, verifier, "ever")).toBe(true);
    const tsNs = (1n << 63n) - 1n;
    const large = sealGroup(
      {
        epoch,
        firstSequence: sequenceMax - 1,
        prevSig,
        leaves: [
          { tsNs, body: { kind: "device", payload: new Uint8Array(payloadBytesMax), synthetic: true } },
          flow(1),
        ],
      },
      signer,
    );
    const leaf = large.leaves[0] as Uint8Array;
    expect(leaf.length - payloadBytesMax).toBeLessThanOrEqual(leafOverheadBytesMax);
    expect(scanLeaf(leaf).ok).toBe(true);
    expect(standaloneEnvelope(large, 0).length).toBeLessThanOrEqual(131_072);
  });

  const input = { epoch, firstSequence: 1, prevSig, leaves: [flow(1)] };
  test.each([
    ["no leaves", { ...input, leaves: [] }],
    ["too many leaves", { ...input, leaves: Array.from({ length: treeLeavesMax + 1 }, () => flow(1)) }],
    ["too large a leaf", { ...input, leaves: [flow(leafBytesMax)] }],
    ["too large a tree", { ...input, leaves: Array.from({ length: 9 }, () => flow(treeBytesMax / 9)) }],
    ["an epoch of zeros", { ...input, epoch: "0".repeat(16) }],
    ["an epoch in upper case", { ...input, epoch: "0123456789ABCDEF" }],
    ["sequence 0", { ...input, firstSequence: 0 }],
    ["a sequence beyond the last", { ...input, firstSequence: sequenceMax, leaves: [flow(1), flow(1)] }],
    ["half a previous signature", { ...input, prevSig: new Uint8Array(32) }],
  ])("%s is the caller's fault", (_name, wrong) => {
    expect(() => sealGroup(wrong, signer)).toThrow(/^Cannot seal: /);
  });
});
