import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SequenceSet } from "../../src/tasks/wal-sequence-set.ts";

const span = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 })).map(([first, more]) => {
  return { first, last: first + more };
});

describe("SequenceSet", () => {
  test("holds what a plain set of numbers holds, in as few spans as there can be", () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), span, (spans, asked) => {
        const set = new SequenceSet();
        const plain = new Set<number>();
        for (const each of spans) {
          set.add(each);
          for (let n = each.first; n <= each.last; n += 1) plain.add(n);
        }
        expect(set.size).toBe(plain.size);
        for (let n = 0; n <= 80; n += 1) expect(set.has(n)).toBe(plain.has(n));
        for (const [i, { first }] of set.spans.entries()) {
          expect(first).toBeGreaterThan((set.spans[i - 1]?.last ?? -1) + 1);
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

  test("a span that ends before it begins has nothing missing", () => {
    expect(new SequenceSet().missingIn({ first: 1, last: 0 })).toEqual([]);
  });
});
