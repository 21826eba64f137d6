import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { counterDelta, countersDelta } from "../../../src/collectors/host/counter-delta.ts";

const wrap32 = 1n << 32n;
const wrap64 = 1n << 64n;

describe("counterDelta", () => {
  test.each([
    ["goes on", 5n, 12n, 7n],
    ["goes on beyond 53 bits", 2n ** 60n, 2n ** 60n + 1n, 1n],
    ["wraps at 32 bits", wrap32 - 10n, 5n, 15n],
    ["wraps at 64 bits", wrap64 - 10n, 5n, 15n],
    ["is reset from below the half", 1_000_000n, 5n, 5n],
    ["is reset from beyond 32 bits", wrap32 * 1000n, 5n, 5n],
    ["goes back a little", 1_000_000n, 999_999n, 0n],
    ["goes back a little in the upper half of 32 bits", wrap32 - 10n, wrap32 - 11n, 0n],
  ])("%s", (_what, before, now, delta) => {
    expect(counterDelta(before, now)).toBe(delta);
  });

  test("any step below half of the bits is found again across any wrap", () => {
    for (const wrap of [wrap32, wrap64]) {
      const step = fc.bigInt({ min: 0n, max: wrap / 2n - 1n });
      const before = fc.bigInt({ min: wrap / 2n, max: wrap - 1n });
      fc.assert(
        fc.property(before, step, (from, by) => {
          expect(counterDelta(from, (from + by) % wrap)).toBe(by);
        }),
      );
    }
  });

  test("is never negative, and never more than has been counted", () => {
    const counter = fc.bigInt({ min: 0n, max: wrap64 - 1n });
    fc.assert(
      fc.property(counter, counter, (before, now) => {
        const delta = counterDelta(before, now);
        expect(delta >= 0n && delta < wrap64).toBe(true);
      }),
    );
  });
});

describe("countersDelta", () => {
  test("where more than one went back, all were reset", () => {
    const before = { bytes: 3_000_000_000n, packets: 70n, errors: 0n };
    expect(countersDelta(before, { bytes: 100n, packets: 80n, errors: 0n })).toEqual({
      bytes: wrap32 - 3_000_000_000n + 100n,
      packets: 10n,
      errors: 0n,
    });
    expect(countersDelta(before, { bytes: 100n, packets: 8n, errors: 1n })).toEqual({
      bytes: 100n,
      packets: 8n,
      errors: 1n,
    });
  });

  test("counters that only one of the two has are left out", () => {
    expect(countersDelta<"a" | "b">({ a: 1n }, { a: 2n, b: 5n })).toEqual({ a: 1n });
  });
});
