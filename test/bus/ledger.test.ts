import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Gap, withGap, withoutSpan } from "../../src/bus/gaps.ts";
import {
  countGaps,
  emptyLedger,
  giveUp,
  holeEnd,
  isFree,
  isStored,
  type Ledger,
  type LedgerStep,
  openLedger,
  splitsMissing,
  store,
} from "../../src/bus/ledger.ts";

const sequenceMax = 40;
const declaredMax = 1000;
const source = { agent: "a", epoch: "00000000000000aa" };
const sig = (n: number) => Uint8Array.of(n);

function storeSpan(ledger: Ledger, first: number, last: number, closes: { first: number; last: number }[] = []) {
  return store(ledger, { first, last, sig: sig(last), closes }, 7, declaredMax);
}

/** The gap table as the log makes it of the same changes. */
function applied(gaps: readonly Gap[], changes: LedgerStep["changes"]): readonly Gap[] {
  return changes.reduce<readonly Gap[]>(
    (table, { op, ...gap }) => (op === "add" ? withGap(table, gap) : withoutSpan(table, gap.first, gap.last)),
    gaps,
  );
}

describe("ledger", () => {
  test("in order there are no gaps, and the last signature follows", () => {
    const { ledger, changes } = storeSpan(storeSpan(emptyLedger, 1, 3).ledger, 4, 9);
    expect(ledger).toEqual({ cursor: 9, highest: 9, lastSig: sig(9), gaps: [], forgottenLast: 0 });
    expect(changes).toEqual([]);
  });

  test("what is stored ahead leaves a hole that is waited for", () => {
    const { ledger, changes } = storeSpan(storeSpan(emptyLedger, 1, 3).ledger, 8, 9);
    expect(ledger).toMatchObject({ cursor: 3, highest: 9 });
    expect(changes).toEqual([{ op: "add", first: 4, last: 7, reason: "missing", sinceMs: 7 }]);
    expect(holeEnd(ledger)).toBe(7);
    const filled = storeSpan(ledger, 4, 7).ledger;
    expect(filled).toMatchObject({ cursor: 9, highest: 9, gaps: [], lastSig: sig(9) });
  });

  test("a loss record closes its range at once, and only what is not stored of it", () => {
    const three = storeSpan(emptyLedger, 1, 3).ledger;
    const { ledger } = storeSpan(three, 8, 8, [{ first: 2, last: 7 }]);
    expect(ledger).toMatchObject({ cursor: 8, highest: 8 });
    expect(ledger.gaps).toEqual([{ first: 4, last: 7, reason: "declared", sinceMs: 7 }]);
    expect(isStored(ledger, 2)).toBe(true);
    expect(isStored(ledger, 5)).toBe(false);
    // said twice changes nothing
    expect(storeSpan(ledger, 9, 9, [{ first: 2, last: 7 }]).changes).toEqual([]);
  });

  test("after giving up the commit goes on, and a late arrival fills the gap", () => {
    const early = giveUp(storeSpan(emptyLedger, 1, 3).ledger, 5, 7);
    expect(early.ledger).toMatchObject({ cursor: 5, highest: 5 });
    const next = storeSpan(early.ledger, 6, 6).ledger;
    const late = storeSpan(next, 4, 4);
    expect(late.changes).toEqual([{ op: "remove", first: 4, last: 4, reason: "missing", sinceMs: 7 }]);
    expect(late.ledger).toMatchObject({ cursor: 6, highest: 6, lastSig: sig(6) });
    expect(late.ledger.gaps).toEqual([{ first: 5, last: 5, reason: "missing", sinceMs: 7 }]);
  });

  test("a late arrival at the very end brings its signature", () => {
    const { ledger } = storeSpan(giveUp(emptyLedger, 2, 7).ledger, 2, 2);
    expect(ledger.lastSig).toEqual(sig(2));
  });

  test("what the log calls settled was here: it is no gap", () => {
    const head = { source, highest: 10, lastSig: sig(1) };
    const ranges: Gap[] = [
      { first: 1, last: 4, reason: "settled", sinceMs: 1 },
      { first: 6, last: 6, reason: "missing", sinceMs: 1 },
    ];
    const ledger = openLedger(head, ranges, declaredMax);
    expect(isStored(ledger, 3)).toBe(true);
    expect(isStored(ledger, 6)).toBe(false);
    expect(ledger.cursor).toBe(10);
  });
});

describe("declared gaps", () => {
  const declare = (ledger: Ledger, first: number, max: number) =>
    store(ledger, { first, last: first, sig: sig(1), closes: [{ first: first - 1, last: first - 1 }] }, 7, max);

  test("are kept so many, the newest; missing ones and what the log has to write are not touched", () => {
    let ledger = giveUp(emptyLedger, 1, 7).ledger;
    for (let first = 3; first <= 101; first += 2) {
      const step = declare(ledger, first, 10);
      expect(step.changes.at(-1)).toMatchObject({ op: "add", first: first - 1, last: first - 1, reason: "declared" });
      ledger = step.ledger;
    }
    expect([countGaps(ledger, "missing"), countGaps(ledger, "declared")]).toEqual([1, 10]);
    expect(ledger).toMatchObject({ cursor: 101, highest: 101, forgottenLast: 80 });
    expect(isFree(ledger, { first: 82, last: 82 })).toBe(true);
    expect(isFree(ledger, { first: 80, last: 80 })).toBe(false);
  });

  test("are as many after a restart", () => {
    const ranges: Gap[] = [2, 4, 6].map((n) => ({ first: n, last: n, reason: "declared", sinceMs: 1 }));
    const ledger = openLedger({ source, highest: 10, lastSig: sig(1) }, ranges, 2);
    expect(ledger.gaps.map(({ first }) => first)).toEqual([4, 6]);
    expect(ledger.forgottenLast).toBe(2);
  });

  test("a span splits a missing one where something of it stays on both sides", () => {
    const ledger = giveUp(emptyLedger, 9, 7).ledger;
    const splits = (first: number, last: number) => splitsMissing(ledger, { first, last });
    expect([splits(3, 5), splits(1, 5), splits(5, 9), splits(1, 9), splits(5, 12)]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

type Move =
  | { type: "store"; first: number; size: number; closes: { first: number; last: number } | undefined }
  | { type: "giveUp"; last: number };

const place = fc.integer({ min: 1, max: sequenceMax });
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    type: fc.constant("store" as const),
    first: place,
    size: fc.integer({ min: 1, max: 6 }),
    closes: fc.option(
      fc.tuple(place, place).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
      { nil: undefined },
    ),
  }),
  fc.record({ type: fc.constant("giveUp" as const), last: place }),
);

describe("ledger against a set of every sequence", () => {
  test("stored is stored, the log's table says the same, and the cursor stands where it must", () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        let ledger = emptyLedger;
        let table: readonly Gap[] = [];
        const stored = new Set<number>();
        const declared = new Set<number>();
        for (const move of moves) {
          let step: LedgerStep;
          if (move.type === "giveUp") {
            if (move.last <= ledger.cursor || (holeEnd(ledger) ?? sequenceMax) < move.last) continue;
            step = giveUp(ledger, move.last, 1);
          } else {
            const last = move.first + move.size - 1;
            const closes = move.closes && move.closes.last < move.first ? [move.closes] : [];
            const wanted = Array.from({ length: move.size }, (_, i) => move.first + i);
            const free = wanted.every((s) => !stored.has(s));
            expect(isFree(ledger, { first: move.first, last })).toBe(free);
            if (!free) continue;
            step = storeSpan(ledger, move.first, last, closes);
            for (const s of wanted) stored.add(s);
            for (const { first, last: end } of closes) {
              for (let s = first; s <= end; s += 1) if (!stored.has(s)) declared.add(s);
            }
            for (const s of wanted) declared.delete(s);
          }
          ledger = step.ledger;
          table = applied(table, step.changes);
        }
        expect(table).toEqual(ledger.gaps);
        for (let s = 1; s <= sequenceMax + 6; s += 1) expect(isStored(ledger, s)).toBe(stored.has(s));
        const waitedFor = ledger.gaps.find(({ last, reason }) => reason === "missing" && last > ledger.cursor);
        expect(ledger.cursor).toBe(waitedFor ? Math.max(waitedFor.first - 1, ledger.cursor) : ledger.highest);
        const kept = ledger.gaps.filter(({ reason }) => reason === "declared");
        expect(kept.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(declared.size);
      }),
      { numRuns: 500 },
    );
  });
});
