import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { rangeCount } from "../../src/core/sequence-set.ts";
import { coalesceLostRanges, type LostRange, mergeLostRanges } from "../../src/delivery/sequence-ranges.ts";

function lost(first: number, last: number, reason = "budget", startNs = 5n, endNs = 6n): LostRange {
  return { first, last, reason, startNs, endNs };
}

test("mergeLostRanges joins what meets or overlaps for one reason and spans both times", () => {
  const merged = mergeLostRanges([lost(11, 20, "budget", 1n, 3n), lost(1, 10, "budget", 2n, 9n), lost(15, 30)]);
  expect(merged).toEqual([lost(1, 30, "budget", 1n, 9n)]);
});

test("mergeLostRanges keeps apart what does not meet or has another reason", () => {
  const ranges = [lost(1, 10), lost(12, 20), lost(21, 30, "queue")];
  expect(mergeLostRanges(ranges)).toEqual(ranges);
});

test("coalesceLostRanges joins what meets whatever the reason", () => {
  const joined = coalesceLostRanges([lost(1, 10, "queue"), lost(11, 20, "disk"), lost(22, 30, "size")], "budget");
  expect(joined).toEqual([lost(1, 20), lost(22, 30, "size")]);
});

const rangeArbitrary = fc
  .tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 30 }), fc.constantFrom("budget", "queue"))
  .map(([first, length, reason]) => lost(first, first + length, reason));

function sequences(ranges: readonly LostRange[]): Set<number> {
  return new Set(ranges.flatMap((range) => Array.from({ length: rangeCount(range) }, (_, i) => range.first + i)));
}

test("neither way of joining adds or loses a sequence, and coalesced ranges are disjoint", () => {
  fc.assert(
    fc.property(fc.array(rangeArbitrary, { maxLength: 30 }), (ranges) => {
      const joined = coalesceLostRanges(ranges, "budget");
      expect(sequences(mergeLostRanges(ranges))).toEqual(sequences(ranges));
      expect(sequences(joined)).toEqual(sequences(ranges));
      expect(joined.reduce((sum, range) => sum + rangeCount(range), 0)).toBe(sequences(ranges).size);
    }),
  );
});
