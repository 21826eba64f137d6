import { describe, expect, test } from "bun:test";
import { exponentialOf, Random } from "../../../src/collectors/synthetic/random.ts";

function mean(count: number, draw: () => number): number {
  let sum = 0;
  for (let n = 0; n < count; n += 1) sum += draw();
  return sum / count;
}

describe("random", () => {
  test("is xoshiro128** 1.1: what the reference implementation makes of the state 1 2 3 4", () => {
    const random = new Random([1, 2, 3, 4]);
    const made = Array.from({ length: 10 }, () => random.uint32());
    expect(made).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test("a seed and a name make a stream of their own", () => {
    const first = (seed: number, name: string) => Random.of(seed, name).uint32();
    expect(first(1, "a")).toBe(first(1, "a"));
    expect(new Set([first(1, "a"), first(2, "a"), first(1, "b"), first(11, "a")]).size).toBe(4);
  });

  test("e^x agrees with the engine's to the last bits", () => {
    for (let x = -20; x <= 20; x += 0.37) {
      expect(Math.abs(exponentialOf(x) / Math.exp(x) - 1)).toBeLessThan(1e-14);
    }
  });

  test("distributions have their means, medians and bounds", () => {
    const random = Random.of(3, "distributions");
    expect(mean(100_000, () => random.exponential())).toBeCloseTo(1, 1);
    expect(mean(100_000, () => random.normal())).toBeCloseTo(0, 1);
    expect(mean(100_000, () => random.normal() ** 2)).toBeCloseTo(1, 1);
    const sizes = Array.from({ length: 20_001 }, () => random.logNormal(1000, 1.5, 50_000)).sort((a, b) => a - b);
    expect(Math.abs((sizes[10_000] as number) / 1000 - 1)).toBeLessThan(0.06);
    expect(sizes.at(-1)).toBe(50_000);
    const dice = Array.from({ length: 1000 }, () => random.whole(1, 6));
    expect([...new Set(dice)].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
