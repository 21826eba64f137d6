import type { Clock } from "../../src/core/clock.ts";
import type { Timer } from "../../src/delivery/index.ts";

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/** Time that a test owns: clock and timers move when `advance` is called, and not otherwise. */
export interface TestClock extends Clock, Timer {
  /** Moves time on and runs, in their order, the tasks that became due. */
  advance(ms: number): void;
  /** Milliseconds until the next task; undefined where none waits. */
  nextMs(): number | undefined;
}

export function createTestClock(startMs = 1_800_000_000_000): TestClock {
  let nowMs = 0;
  const tasks = new Set<Task>();
  const next = () => [...tasks].sort((a, b) => a.atMs - b.atMs)[0];
  return {
    wallNs: () => BigInt(Math.floor(startMs + nowMs)) * 1_000_000n,
    wallMs: () => startMs + nowMs,
    monotonicMs: () => nowMs,
    after(ms, run) {
      const task = { atMs: nowMs + ms, run };
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (let task = next(); task && task.atMs <= endMs; task = next()) {
        tasks.delete(task);
        nowMs = Math.max(nowMs, task.atMs);
        task.run();
      }
      nowMs = endMs;
    },
    nextMs() {
      const task = next();
      return task && Math.max(0, task.atMs - nowMs);
    },
  };
}
