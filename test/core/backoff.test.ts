import { describe, expect, test } from "bun:test";
import { Backoff } from "../../src/core/backoff.ts";

describe("Backoff", () => {
  test("doubles up to its maximum, with jitter over the upper half", () => {
    const low = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 0 });
    const high = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 1 });
    expect([1, 2, 3, 4, 5, 6].map(() => low.nextMs())).toEqual([50, 100, 200, 400, 500, 500]);
    expect([1, 2, 3, 4, 5, 6].map(() => high.nextMs())).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test("never waits less than the hint, and still jitters", () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 0.5 });
    expect(backoff.nextMs(5000)).toBe(6250);
  });

  test("starts anew after a success", () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 1 });
    backoff.nextMs();
    backoff.nextMs();
    expect(backoff.failures).toBe(2);
    backoff.reset();
    expect(backoff.nextMs()).toBe(100);
  });
});
