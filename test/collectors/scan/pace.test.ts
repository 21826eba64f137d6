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
  await Bun.sleep(0);
  expect(begun).toBeLessThanOrEqual(22);
  await all;
});

test("an abort ends the wait", async () => {
  const stop = new AbortController();
  const pace = new Pace(0.1, systemClock);
  await pace.next(never);
  const startMs = performance.now();
  const waiting = pace.next(stop.signal);
  stop.abort();
  await waiting;
  expect(performance.now() - startMs).toBeLessThan(1000);
});
