import { expect, test } from "bun:test";
import { StoredTotals } from "../../src/bus/stored-totals.ts";
import { ManualClock } from "./manual-clock.ts";

test("the rate follows what was stored of late, and falls back to nothing", () => {
  const clock = new ManualClock();
  const totals = new StoredTotals(clock, 0);
  for (let i = 0; i < 100; i += 1) {
    clock.advance(100);
    totals.add(50);
  }
  expect(totals.stored).toBe(5000);
  expect(totals.lastCommitMs).toBe(clock.wallMs());
  expect(totals.perSecond()).toBeCloseTo(500, -2);
  clock.advance(60_000);
  totals.perSecond();
  clock.advance(60_000);
  expect(totals.perSecond()).toBe(0);
});
