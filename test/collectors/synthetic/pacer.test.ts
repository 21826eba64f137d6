import { describe, expect, test } from "bun:test";
import { Pacer } from "../../../src/collectors/synthetic/pacer.ts";
import { systemClock } from "../../../src/core/clock.ts";

describe("pacer", () => {
  test.each([0.5, 10, 333, 20_000])("lets %p events a second through", (rate) => {
    let nowMs = 5000;
    const pacer = new Pacer(rate, { ...systemClock, monotonicMs: () => nowMs });
    let events = 0;
    while (nowMs < 15_000) {
      const waitMs = pacer.waitMs();
      if (waitMs === 0) events += 1;
      // a timer is late
      else nowMs += waitMs + 3;
    }
    expect(Math.abs(events - 10 * rate)).toBeLessThanOrEqual(1 + rate * 0.004);
  });

  test("after a long pause makes up for one second, not for all of it", () => {
    let nowMs = 0;
    const pacer = new Pacer(100, { ...systemClock, monotonicMs: () => nowMs });
    nowMs = 3_600_000;
    let events = 0;
    while (pacer.waitMs() === 0) events += 1;
    expect(events).toBe(101);
  });
});
