import { describe, expect, test } from "bun:test";
import { ReadingBudget } from "../../../src/collectors/snmp/reading-budget.ts";

const mebi = 1 << 20;

/** How many cells of a MiB a device can take. */
function fill({ take }: { take(bytes: number): void }): number {
  for (let cells = 0; cells < 100; cells += 1) {
    try {
      take(mebi);
    } catch {
      return cells;
    }
  }
  return Infinity;
}

describe("what readings may hold", () => {
  test("is bounded for one device, and given back at its end", () => {
    const budget = new ReadingBudget(1);
    const one = budget.open();
    expect(fill(one)).toBe(15);
    for (let round = 0; round < 10; round += 1) {
      one.close();
      one.close();
      expect(fill(one)).toBe(15);
    }
  });

  test("is bounded for all of them, and each has its share whatever the others take", () => {
    const budget = new ReadingBudget(20);
    const greedy = Array.from({ length: 10 }, () => budget.open());
    // four of them and what is left, then the shares of 3.2 MiB
    expect(greedy.map(fill)).toEqual([15, 15, 15, 15, 3, 3, 3, 3, 3, 3]);
    expect(() => greedy[9]?.take(mebi)).toThrow("all devices at once more than 64 MiB");
    for (const one of greedy) one.close();
    expect(fill(budget.open())).toBe(15);
  });
});
