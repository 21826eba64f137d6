import { describe, expect, test } from "bun:test";
import { FairQueue } from "../../src/bus/fair-queue.ts";
import { ManualClock } from "./manual-clock.ts";

/** Work of so many milliseconds, on a clock of the test. */
function offer(queue: FairQueue, clock: ManualClock, agent: string, ms: number, done: Map<string, number>): void {
  void queue.run(agent, () => {
    clock.advance(ms);
    done.set(agent, (done.get(agent) ?? 0) + 1);
  });
}

/** Calls served of three modest agents and a greedy one in `seconds`, on a thread that serves 1,000 a second. */
function simulate(greedyPerSecond: number, seconds: number): Map<string, number> {
  const clock = new ManualClock();
  const queue = new FairQueue(clock);
  const done = new Map<string, number>();
  const modestPerSecond = 200;
  const owed = new Map<string, number>();
  let lastMs = 0;
  while (clock.monotonicMs() < seconds * 1000) {
    const elapsedMs = clock.monotonicMs() - lastMs;
    lastMs = clock.monotonicMs();
    for (const [agent, rate] of Object.entries({ greedy: greedyPerSecond, a: 200, b: 200, c: modestPerSecond })) {
      let due = (owed.get(agent) ?? 0) + (elapsedMs * rate) / 1000;
      for (; due >= 1; due -= 1) offer(queue, clock, agent, 1, done);
      owed.set(agent, due);
    }
    const beforeMs = clock.monotonicMs();
    queue.turn();
    if (clock.monotonicMs() === beforeMs) clock.advance(1);
  }
  return done;
}

describe("FairQueue", () => {
  test("a greedy agent leaves the others at least nine tenths of what they had", () => {
    const alone = simulate(0, 20);
    const crowded = simulate(4000, 20);
    for (const agent of ["a", "b", "c"]) {
      expect(crowded.get(agent) ?? 0).toBeGreaterThanOrEqual(0.9 * (alone.get(agent) ?? 0));
    }
    // what the others leave is the greedy one's: nothing is wasted
    expect(crowded.get("greedy") ?? 0).toBeGreaterThan(0.35 * 20 * 1000);
  });

  test("one agent's expensive work is charged by its time, not by its number", () => {
    const clock = new ManualClock();
    const queue = new FairQueue(clock);
    const done = new Map<string, number>();
    for (let i = 0; i < 100; i += 1) offer(queue, clock, "heavy", 20, done);
    for (let i = 0; i < 400; i += 1) offer(queue, clock, "light", 1, done);
    while (clock.monotonicMs() < 800) queue.turn();
    const heavyMs = 20 * (done.get("heavy") ?? 0);
    const lightMs = done.get("light") ?? 0;
    expect(Math.abs(heavyMs - lightMs)).toBeLessThanOrEqual(60);
  });

  test("runs the work of one agent in the order it came, and hands back results and errors", async () => {
    const queue = new FairQueue(new ManualClock());
    const order: number[] = [];
    const results = Array.from({ length: 50 }, (_, i) => queue.run("a", () => order.push(i)));
    const failing = queue.run("a", () => {
      throw new Error("no");
    });
    expect(await Promise.all(results)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
    await expect(failing).rejects.toThrow("no");
  });
});
