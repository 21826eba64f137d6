import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TickClock } from "../../src/packet/tick-clock.ts";

/** The same with big integers. */
function exactly(ticks: bigint, resolution: number, offsetSec: number): [number, number] {
  const exponent = BigInt(resolution & 0x7f);
  const perSec = resolution & 0x80 ? 2n ** exponent : 10n ** exponent;
  const sec = Number(ticks / perSec) + offsetSec;
  const nsec = Number(((ticks % perSec) * 1_000_000_000n) / perSec);
  return [Math.max(0, Math.min(sec, 0xffffffff)), nsec];
}

function taken(ticks: bigint, resolution: number, offsetSec: number): [number, number] {
  const clock = new TickClock(resolution, offsetSec);
  clock.take(Number(ticks >> 32n), Number(ticks & 0xffffffffn));
  return [clock.sec, clock.nsec];
}

describe("TickClock", () => {
  test("counts microseconds, nanoseconds and powers of two", () => {
    expect(taken(1_700_000_000_123_456n, 6, 0)).toEqual([1_700_000_000, 123_456_000]);
    expect(taken(1_700_000_000_123_456_789n, 9, 0)).toEqual([1_700_000_000, 123_456_789]);
    expect(taken((1_700_000_000n << 32n) | 0x8000_0000n, 0x80 | 32, 0)).toEqual([1_700_000_000, 500_000_000]);
    expect(taken(5n, 0, 1_600_000_000)).toEqual([1_600_000_005, 0]);
  });

  test("is exact for every count and resolution", () => {
    const property = fc.property(
      fc.bigInt(0n, 0xffff_ffff_ffff_ffffn),
      fc.nat(255),
      fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }),
      (ticks, resolution, offsetSec) => {
        expect(taken(ticks, resolution, offsetSec)).toEqual(exactly(ticks, resolution, offsetSec));
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });
});
