import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Unit } from "../../src/bus/unit.ts";
import type { SourceKey } from "../../src/wal/index.ts";
import { ManualClock } from "./manual-clock.ts";
import { fateOf, StepLog, source, type UnitShape, unitOf } from "./units.ts";

function createLog(limits: ConstructorParameters<typeof StepLog>[1] = {}) {
  const clock = new ManualClock();
  const log = new StepLog(clock, limits);
  const offer = (...shapes: UnitShape[]) =>
    shapes.map((shape) => {
      const unit = unitOf(shape);
      return { unit, refusal: log.sequencer.offer(unit) };
    });
  /** Lets time pass as the bus's timer would see it. */
  const wait = (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(Math.min(1000, left));
      log.sequencer.tick();
      log.drain();
    }
  };
  return { clock, log, offer, wait };
}

describe("Sequencer", () => {
  test("commits in order of sequence whatever the order of arrival, within the window", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(
          Array.from({ length: 30 }, (_, i) => i + 1),
          { minLength: 30 },
        ),
        (order) => {
          const { log, offer } = createLog();
          for (const first of order) {
            expect(offer({ first })[0]?.refusal).toBeUndefined();
            log.drain();
          }
          expect(log.sequences()).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
          expect(log.findings).toEqual([]);
        },
      ),
    );
  });

  test("an early one waits with its call open, then is sent away with window_full", async () => {
    const { log, offer, wait } = createLog({ earlyWaitMs: 5000 });
    const [early] = offer({ first: 3 });
    log.drain();
    wait(4000);
    expect(await fateOf(early?.unit as Unit)).toBeUndefined();
    wait(1000);
    expect(await fateOf(early?.unit as Unit)).toBe("window_full");
    expect(log.sequences()).toEqual([]);
    expect(log.sequencer.standing(source, 3).state).toBe("free");
  });

  test("beyond the window is window_full at once, in order is not", () => {
    const { offer, log } = createLog({ windowRecords: 4 });
    expect(offer({ first: 6 })[0]?.refusal?.code).toBe("window_full");
    expect(offer({ first: 4 })[0]?.refusal).toBeUndefined();
    expect(offer({ first: 1, size: 3 })[0]?.refusal).toBeUndefined();
    log.drain();
    expect(log.sequences()).toEqual([1, 2, 3, 4]);
    // a tree that is larger than the window is in order all the same
    expect(offer({ first: 5, size: 9 })[0]?.refusal).toBeUndefined();
  });

  test("after the window's time what is missing becomes a gap and the commit goes on", async () => {
    const { log, offer, wait } = createLog({ windowMs: 30_000, earlyWaitMs: 60_000 });
    const [early] = offer({ first: 1 }, { first: 5 }).slice(1);
    log.drain();
    wait(29_000);
    expect(log.findings).toEqual([]);
    expect(await fateOf(early?.unit as Unit)).toBeUndefined();
    wait(2_000);
    expect(await fateOf(early?.unit as Unit)).toBe("stored");
    expect(log.findings).toEqual(["gap 2-4"]);
    expect(log.gapsOf()).toEqual(["2-4 missing"]);
    expect(log.sequencer.missing()).toBe(3);
  });

  test("a gap is given up even when the early one was sent away meanwhile, also from beyond the window", () => {
    const { log, offer, wait } = createLog({ windowRecords: 4, windowMs: 30_000 });
    offer({ first: 1000, size: 5 });
    log.drain();
    wait(31_000);
    expect(log.gapsOf()).toEqual(["1-999 missing"]);
    expect(offer({ first: 1000, size: 5 })[0]?.refusal).toBeUndefined();
    log.drain();
    expect(log.sequences()).toEqual([1000, 1001, 1002, 1003, 1004]);
  });

  test("as long as the commit gets on nothing is given up", () => {
    const { log, offer, wait } = createLog({ windowMs: 10_000, earlyWaitMs: 600_000 });
    offer({ first: 30 });
    for (let first = 1; first < 30; first += 1) {
      log.drain();
      wait(8_000);
      offer({ first });
    }
    log.drain();
    expect(log.findings).toEqual([]);
    expect(log.sequences()).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  test("a late arrival fills the gap, before and after a restart", () => {
    for (const restarts of [false, true]) {
      const { log, offer, wait } = createLog();
      offer({ first: 4 });
      log.drain();
      wait(31_000);
      offer({ first: 4 });
      log.drain();
      if (restarts) log.restart();
      expect(log.sequencer.standing(source, 4).state).toBe("stored");
      offer({ first: 2 });
      log.drain();
      expect(log.gapsOf()).toEqual(["1-1 missing", "3-3 missing"]);
      offer({ first: 1 }, { first: 3 });
      log.drain();
      expect(log.gapsOf()).toEqual([]);
      expect(log.sequences().toSorted()).toEqual([1, 2, 3, 4]);
    }
  });

  test("a loss record is taken ahead of its turn and lets what waits go on", () => {
    const { log, offer } = createLog({ windowRecords: 4 });
    offer({ first: 1 }, { first: 4 });
    log.drain();
    expect(log.sequences()).toEqual([1]);
    expect(offer({ first: 900, closes: { first: 2, last: 3 } })[0]?.refusal).toBeUndefined();
    log.drain();
    expect(log.sequences()).toEqual([1, 900, 4]);
    expect(log.gapsOf()).toEqual(["2-3 declared", "5-899 missing"]);
    // what lies between is in order still, and no gap to anybody yet
    expect(offer({ first: 7 }, { first: 5 }, { first: 6 }).map(({ refusal }) => refusal)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    log.drain();
    expect(log.sequences().slice(3)).toEqual([5, 6, 7]);
    expect(log.findings).toEqual([]);
  });

  test("a loss record in the middle of a tree explains what is missing before the tree", () => {
    const { log, offer } = createLog();
    offer({ first: 1, size: 2 }, { first: 6, size: 3, closes: { first: 3, last: 5 } });
    log.drain();
    expect(log.sequences()).toEqual([1, 2, 6, 7, 8]);
    expect(log.gapsOf()).toEqual(["3-5 declared"]);
    expect(log.findings).toEqual([]);
  });

  test("what was declared may still come, and is stored", () => {
    const { log, offer } = createLog();
    offer({ first: 1 }, { first: 3, closes: { first: 2, last: 2 } });
    log.drain();
    expect(log.sequencer.standing(source, 2).state).toBe("declared");
    expect(log.sequencer.isFresh(source, { first: 2, last: 2 })).toBe(false);
    offer({ first: 2 });
    log.drain();
    expect(log.sequences()).toEqual([1, 3, 2]);
    expect(log.gapsOf()).toEqual([]);
  });

  test("a commit that fails leaves nothing marked: the same comes again and is stored once", async () => {
    const { log, offer } = createLog();
    const [first, second] = offer({ first: 1, size: 3 }, { first: 4 });
    log.commit({ code: "disk_low", reason: "" });
    expect([await fateOf(first?.unit as Unit), await fateOf(second?.unit as Unit)]).toEqual(["disk_low", "disk_low"]);
    expect(log.sequencer.isFresh(source, { first: 1, last: 4 })).toBe(true);
    offer({ first: 1, size: 3 }, { first: 4 });
    log.drain();
    expect(log.sequences()).toEqual([1, 2, 3, 4]);
  });

  test("what waits or is in flight is pending, never free and never stored", async () => {
    const { log, offer } = createLog();
    const [ordered, early] = offer({ first: 1, size: 2 }, { first: 5 });
    expect(log.sequencer.standing(source, 2)).toMatchObject({ state: "pending", unit: ordered?.unit });
    expect(log.sequencer.standing(source, 3).state).toBe("free");
    log.drain();
    expect(log.sequencer.standing(source, 2).state).toBe("stored");
    expect(log.sequencer.standing(source, 5)).toMatchObject({ state: "pending", unit: early?.unit });
    log.sequencer.withdraw(early?.unit as Unit);
    expect(log.sequencer.standing(source, 5).state).toBe("free");
    expect(await fateOf(early?.unit as Unit)).toBe("window_full");
  });

  test("a signature before that is not the one before is found, a gap is none", () => {
    const { log, offer } = createLog();
    const prevSig = Uint8Array.of(99);
    offer({ first: 1 }, { first: 2 }, { first: 3, prevSig }, { first: 5, prevSig, closes: { first: 4, last: 4 } });
    log.drain();
    expect(log.findings).toEqual(["chain 3"]);
  });

  test("sources do not wait for each other", () => {
    const { log, offer } = createLog();
    const other = { agent: "agent", epoch: "00000000000000bb" };
    offer({ first: 2 }, { first: 1, key: other });
    log.drain();
    expect([log.sequences(), log.sequences(other)]).toEqual([[], [1]]);
  });

  test("a batch is bounded, and the rest goes into the next", () => {
    const { log, offer } = createLog({ batchRecordsMax: 4 });
    offer(...Array.from({ length: 10 }, (_, i) => ({ first: i + 1 })));
    expect([log.commit(), log.commit(), log.commit(), log.sequencer.hasReady]).toEqual([4, 4, 2, false]);
  });

  test("what an agent declared does not keep a missing sequence from being given up", () => {
    const { log, offer, wait } = createLog({ gapsMax: 4 });
    offer({ first: 1 });
    for (let first = 3; first <= 21; first += 2) offer({ first, closes: { first: first - 1, last: first - 1 } });
    log.drain();
    offer({ first: 23 });
    log.drain();
    wait(31_000);
    offer({ first: 23 });
    log.drain();
    expect(log.gapsOf()).toContain("22-22 missing");
    expect(log.sequences()).toContain(23);
    expect(log.sequencer.standing(source, 20).state).toBe("declared");
    expect(log.sequencer.standing(source, 2).state).toBe("old");
  });

  test("loss records make no more gaps than there may be, and explain what is waited for all the same", () => {
    const { log, offer } = createLog({ gapsMax: 3, windowRecords: 4 });
    const refusals: (string | undefined)[] = [];
    for (let n = 1; n <= 100; n += 1) {
      refusals.push(offer({ first: n * 1000, closes: { first: n * 1000 - 1, last: n * 1000 - 1 } })[0]?.refusal?.code);
      log.drain();
    }
    expect(refusals.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(new Set(refusals.slice(3))).toEqual(new Set(["window_full"]));
    expect(log.gapsOf()).toHaveLength(6);
    // the first of them is 1-998
    expect(offer({ first: 2, closes: { first: 1, last: 1 } })[0]?.refusal).toBeUndefined();
    log.drain();
    expect(log.gapsOf()).toContain("1-1 declared");
  });

  test("loss records cut what is missing into no more pieces than there may be", () => {
    const { log, offer, wait } = createLog({ gapsMax: 3, windowRecords: 4, windowMs: 1000 });
    offer({ first: 1000 });
    log.drain();
    wait(2000);
    const refusals: (string | undefined)[] = [];
    for (let n = 0; n < 50; n += 1) {
      const closes = { first: 10 + 2 * n, last: 10 + 2 * n };
      refusals.push(offer({ first: 1000 + refusals.filter((code) => !code).length, closes })[0]?.refusal?.code);
      log.drain();
    }
    expect([refusals.filter((code) => !code).length, new Set(refusals.slice(3))]).toEqual([
      2,
      new Set(["rate_limited"]),
    ]);
    expect(log.gapsOf().filter((gap) => gap.endsWith("missing"))).toHaveLength(3);
  });

  test("late events cut what is missing into no more pieces than there may be, and may fill it from its ends", () => {
    const { log, offer, wait } = createLog({ gapsMax: 3, windowMs: 1000 });
    offer({ first: 100 });
    log.drain();
    wait(2000);
    const codes = [10, 20, 30, 40, 1, 99, 9].map((first) => {
      const code = offer({ first })[0]?.refusal?.code;
      log.drain();
      return code;
    });
    const refused = "rate_limited";
    expect(codes).toEqual([undefined, undefined, refused, refused, undefined, undefined, undefined]);
    expect(log.gapsOf()).toEqual(["2-8 missing", "11-19 missing", "21-98 missing"]);
  });

  test("late events cut what was declared into no more pieces than are remembered", () => {
    const { log, offer } = createLog({ gapsMax: 3 });
    offer({ first: 101, closes: { first: 1, last: 100 } });
    log.drain();
    for (let first = 10; first <= 90; first += 10) {
      offer({ first });
      log.drain();
    }
    expect(log.gapsOf()).toHaveLength(10);
    const states = [85, 75, 65, 55].map((sequence) => log.sequencer.standing(source, sequence).state);
    expect(states).toEqual(["declared", "declared", "old", "old"]);
  });

  test("gaps of one source are bounded: then early ones are sent away", () => {
    const { log, offer, wait } = createLog({ gapsMax: 2 });
    for (const first of [2, 4, 6]) {
      offer({ first });
      log.drain();
      wait(31_000);
      offer({ first });
      log.drain();
    }
    expect(log.gapsOf()).toEqual(["1-1 missing", "3-3 missing"]);
    expect(log.sequences()).toEqual([2, 4]);
  });
});

describe("Sequencer against everything at once", () => {
  const keys = ["aa", "bb", "cc"].map((end) => ({ agent: "agent", epoch: end.padStart(16, "0") }));
  const event = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant("offer" as const),
        key: fc.constantFrom(...keys),
        first: fc.integer({ min: 1, max: 40 }),
        size: fc.integer({ min: 1, max: 4 }),
        closes: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("begin" as const) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant("commit" as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("fail" as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const) }) },
  );

  test("a sequence is stored once, answered as what it is, and the gap table is exact, with few held too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 80 }), fc.constantFrom(1, 2, 9), async (events, epochsHeldMax) => {
        const { clock, log } = createLog({ windowRecords: 16, windowMs: 3000, earlyWaitMs: 1500, epochsHeldMax });
        const units: Unit[] = [];
        for (const one of events) {
          expect(log.sequencer.held()).toBeLessThanOrEqual(epochsHeldMax + 1);
          if (one.type === "begin") log.begin();
          else if (one.type === "commit") log.commit();
          else if (one.type === "fail") log.commit({ code: "disk_low", reason: "" });
          else if (one.type === "restart") {
            log.restart();
            units.length = 0;
          } else if (one.type === "wait") {
            clock.advance(1000);
            log.sequencer.tick();
          } else {
            const { key, first, size } = one;
            const last = first + size - 1;
            if (!log.sequencer.isFresh(key, { first, last })) continue;
            const closes = one.closes && first > 1 ? { first: 1, last: first - 1 } : undefined;
            const unit = unitOf(closes ? { key, first, size, closes } : { key, first, size });
            if (!log.sequencer.offer(unit)) units.push(unit);
          }
        }
        log.drain();
        const missing = keys.reduce((sum, key) => sum + checkSource(log, key), 0);
        expect(log.sequencer.missing()).toBe(missing);
        for (const unit of units) {
          const stored = new Set(log.sequences(unit.source));
          const fate = await fateOf(unit);
          if (fate === undefined) expect(log.sequencer.standing(unit.source, unit.first)).toMatchObject({ unit });
          if (fate !== "stored") continue;
          for (let s = unit.first; s <= unit.last; s += 1) expect(stored.has(s)).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});

/** Holds what a log has of a source against what the sequencer says of it; answers how many sequences are missing. */
function checkSource(log: StepLog, key: SourceKey): number {
  const sequences = log.sequences(key);
  const stored = new Set(sequences);
  expect(stored.size).toBe(sequences.length);
  const highest = log.heads.get(key.agent + key.epoch)?.highest ?? 0;
  const reasons = new Map<number, string>();
  for (const { first, last, reason } of log.gaps.get(key.agent + key.epoch) ?? []) {
    for (let s = first; s <= last; s += 1) reasons.set(s, reason);
  }
  for (let s = 1; s <= highest; s += 1) expect(reasons.has(s)).toBe(!stored.has(s));
  for (const s of stored) expect(s).toBeLessThanOrEqual(highest);
  for (let s = 1; s <= 44; s += 1) {
    const { state } = log.sequencer.standing(key, s);
    const free = reasons.get(s) === "declared" ? "declared" : "free";
    if (state !== "pending") expect(state).toBe(stored.has(s) ? "stored" : free);
  }
  return [...reasons.values()].filter((reason) => reason === "missing").length;
}
