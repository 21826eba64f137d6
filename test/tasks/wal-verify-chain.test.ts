import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ChainLink, SourceChain } from "../../src/tasks/wal-verify-chain.ts";

const sigOf = (tree: number) => (tree === 0 ? new Uint8Array() : new Uint8Array(64).fill(tree));

/** Records of trees of two: sequences 1 and 2 in tree 1, 3 and 4 in tree 2, and so on. */
function linkOf(sequence: number): ChainLink {
  const tree = Math.ceil(sequence / 2);
  return { id: sequence, sequence, sig: sigOf(tree), prevSig: sigOf(tree - 1) };
}

const sequences = Array.from({ length: 12 }, (_, i) => i + 1);

describe("SourceChain", () => {
  test("a whole chain is one segment without fault, in whatever order it comes", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(sequences, { minLength: 12 }), (order) => {
        const chain = new SourceChain();
        expect(order.flatMap((sequence) => chain.add(linkOf(sequence)))).toEqual([]);
        expect(chain.segments.map(({ first, last }) => [first.sequence, last.sequence])).toEqual([[1, 12]]);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test("holes part it into segments", () => {
    const chain = new SourceChain();
    for (const sequence of [9, 1, 2, 5, 6, 10]) expect(chain.add(linkOf(sequence))).toEqual([]);
    expect(chain.segments.map(({ first, last }) => [first.sequence, last.sequence])).toEqual([
      [1, 2],
      [5, 6],
      [9, 10],
    ]);
  });

  test("a wrong link is found in whatever order it comes, at the record that names the wrong signature", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(sequences, { minLength: 12 }), (order) => {
        const chain = new SourceChain();
        const wrong = (sequence: number) => ({ ...linkOf(sequence), prevSig: sigOf(99) });
        const faults = order.flatMap((sequence) =>
          chain.add(sequence === 5 || sequence === 6 ? wrong(sequence) : linkOf(sequence)),
        );
        expect(faults.map(({ kind, link }) => [kind, link.sequence])).toEqual([["chain", 5]]);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  test("records of one tree must name the same signature before", () => {
    const chain = new SourceChain();
    chain.add(linkOf(3));
    const faults = chain.add({ ...linkOf(4), prevSig: sigOf(7) });
    expect(faults.map(({ kind, link }) => [kind, link.sequence])).toEqual([["chain", 4]]);
  });

  test("a sequence that comes twice is found", () => {
    const chain = new SourceChain();
    for (const sequence of [1, 2, 3]) chain.add(linkOf(sequence));
    for (const sequence of [1, 2, 3]) expect(chain.add(linkOf(sequence))[0]?.kind).toBe("repeated");
  });
});
