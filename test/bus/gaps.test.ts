import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Gap, gapAt, gapsWithin, withGap, withoutSpan } from "../../src/bus/gaps.ts";
import type { RangeReason } from "../../src/wal/index.ts";

const sequenceMax = 60;
type Model = Map<number, RangeReason>;

/** Every sequence of the gaps with its reason. */
function expand(gaps: readonly Gap[]): Model {
  const model: Model = new Map();
  for (const { first, last, reason } of gaps) for (let s = first; s <= last; s += 1) model.set(s, reason);
  return model;
}

const span = fc
  .tuple(fc.integer({ min: 1, max: sequenceMax }), fc.integer({ min: 1, max: sequenceMax }))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const step = fc.record({ add: fc.boolean(), span, reason: fc.constantFrom<RangeReason>("missing", "declared") });

describe("gaps", () => {
  test("agree with a map of every sequence, stay sorted, and join what touches", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), span, (steps, looked) => {
        let gaps: readonly Gap[] = [];
        const model: Model = new Map();
        for (const { add, span, reason } of steps) {
          gaps = withoutSpan(gaps, span.first, span.last);
          for (let s = span.first; s <= span.last; s += 1) model.delete(s);
          if (!add) continue;
          gaps = withGap(gaps, { ...span, reason, sinceMs: 1 });
          for (let s = span.first; s <= span.last; s += 1) model.set(s, reason);
        }
        expect([...expand(gaps)]).toEqual([...model].sort(([a], [b]) => a - b));
        for (const [i, gap] of gaps.entries()) {
          const next = gaps[i + 1];
          if (next) expect(next.first > gap.last + 1 || next.reason !== gap.reason).toBe(true);
        }
        for (let s = 1; s <= sequenceMax; s += 1) expect(gapAt(gaps, s)?.reason).toBe(model.get(s) as RangeReason);
        const within = [...expand(gapsWithin(gaps, looked.first, looked.last))];
        expect(within).toEqual(
          [...model].sort(([a], [b]) => a - b).filter(([s]) => s >= looked.first && s <= looked.last),
        );
      }),
    );
  });

  test("keep the earlier time where they join", () => {
    const gaps = withGap([{ first: 1, last: 2, reason: "missing", sinceMs: 5 }], {
      first: 3,
      last: 3,
      reason: "missing",
      sinceMs: 9,
    });
    expect(gaps).toEqual([{ first: 1, last: 3, reason: "missing", sinceMs: 5 }]);
  });
});
