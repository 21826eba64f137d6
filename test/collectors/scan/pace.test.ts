import { expect, test } from "bun:test";
import { Pace } from "../../../src/collectors/scan/pace.ts";
import { systemClock } from "../../../src/core/clock.ts";

const never = new AbortController().signal;

test("a hundred begin no faster than the rate, however many wait together", async () => {
  const pace = new Pace(200, systemClock);
  const startMs = performance.now();
  const beginsMs: number[] = [];
  const begin = async () => {
    await pace.next(never);
    beginsMs.push(performance.now() - startMs);
  };
  await Promise.all(Array.from({ length: 100 }, begin));
  // the first is 20 ms behind its plan already, which is four of them
  expect(beginsMs.at(-1)).toBeGreaterThan(450);
  for (const [n, ms] of beginsMs.sort((a, b) => a - b).entries()) expect(n).toBeLessThanOrEqual(6 + (ms * 200) / 1000);
});

test("after a pause the rate is kept, and nothing is made up for", async () => {
  let nowMs = 0;
  const pace = new Pace(1000, { ...systemClock, monotonicMs: () => nowMs });
  await pace.next(never);
  nowMs = 60_000;
  let begun = 0;
  const all = Promise.all(Array.from({ length: 40 }, () => pace.next(never).then(() => (begun += 1))));
  // what begins at once has begun before any timer can fire
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  expect(begun).toBe(21);
  await all;
});

test("an abort ends a wait that would be longer than this test may run", async () => {
  const stop = new AbortController();
  const pace = new Pace(0.001, systemClock);
  await pace.next(never);
  const waiting = pace.next(stop.signal);
  stop.abort();
  await waiting;
});
