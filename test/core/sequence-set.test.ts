import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { rangeCount, rangeIndexAt, type SequenceRange, SequenceSet } from "../../src/core/sequence-set.ts";

const span = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 })).map(([first, more]) => {
  return { first, last: first + more };
});

describe("SequenceSet", () => {
  test("holds what a plain set of numbers holds, in as few ranges as there can be", () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), span, (spans, asked) => {
        const set = new SequenceSet();
        const plain = new Set<number>();
        for (const each of spans) {
          set.add(each);
          for (let n = each.first; n <= each.last; n += 1) plain.add(n);
        }
        expect(set.ranges.reduce((sum, range) => sum + rangeCount(range), 0)).toBe(plain.size);
        for (const [i, { first, last }] of set.ranges.entries()) {
          expect(first).toBeGreaterThan((set.ranges[i - 1]?.last ?? -1) + 1);
          for (let n = first; n <= last; n += 1) expect(plain.has(n)).toBe(true);
        }
        for (let n = 0; n <= 80; n += 1) {
          const end = set.ranges.find(({ last }) => last >= n);
          expect(set.ranges[rangeIndexAt(set.ranges, n)]).toEqual(end as SequenceRange);
        }
        const missing = set.missingIn(asked).flatMap(({ first, last }) => {
          return Array.from({ length: last - first + 1 }, (_, i) => first + i);
        });
        const expected = Array.from({ length: asked.last - asked.first + 1 }, (_, i) => asked.first + i);
        expect(missing).toEqual(expected.filter((n) => !plain.has(n)));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("a range that ends before it begins has nothing missing", () => {
    expect(new SequenceSet().missingIn({ first: 1, last: 0 })).toEqual([]);
  });
});
