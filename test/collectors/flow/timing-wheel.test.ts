import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TimingWheel } from "../../../src/collectors/flow/timing-wheel.ts";

function dueUntil(wheel: TimingWheel, second: number): number[] {
  const due: number[] = [];
  for (let slot = wheel.takeDue(second); slot !== -1; slot = wheel.takeDue(second)) due.push(slot);
  return due;
}

describe("TimingWheel", () => {
  test("gives slots in order of their second, then of their coming", () => {
    const wheel = new TimingWheel(8);
    wheel.reset(100);
    for (const [slot, second] of [
      [0, 130],
      [1, 110],
      [2, 130],
      [3, 101],
      [4, 111],
    ] as const) {
      wheel.schedule(slot, second);
    }
    expect(dueUntil(wheel, 110)).toEqual([3, 1]);
    expect(dueUntil(wheel, 129)).toEqual([4]);
    expect(dueUntil(wheel, 130)).toEqual([0, 2]);
  });

  test("gives everything that waits after a long time, and what lies beyond its reach early", () => {
    const wheel = new TimingWheel(4);
    wheel.reset(50);
    wheel.schedule(0, 60);
    wheel.schedule(1, 1_000_000);
    expect(dueUntil(wheel, 1072)).toEqual([0]);
    expect(dueUntil(wheel, 1073)).toEqual([1]);
    wheel.schedule(2, 1080);
    expect(dueUntil(wheel, 4_000_000_000)).toEqual([2]);
    expect(wheel.position).toBe(4_000_000_000);
  });

  test("behaves as a sorted list does", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("put" as const), slot: fc.nat(30), ahead: fc.nat(900) }),
      fc.record({ kind: fc.constant("remove" as const), slot: fc.nat(30), ahead: fc.constant(0) }),
      fc.record({ kind: fc.constant("pass" as const), slot: fc.constant(0), ahead: fc.nat(400) }),
    );
    const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const wheel = new TimingWheel(4);
      wheel.grow(31);
      wheel.reset(1000);
      const model = new Map<number, number>();
      let now = 1000;
      for (const { kind, slot, ahead } of steps) {
        if (kind === "put" && !model.has(slot)) {
          const at = Math.max(now + 1, now + ahead);
          model.set(slot, at);
          wheel.schedule(slot, at);
        } else if (kind === "remove" && model.delete(slot)) {
          wheel.remove(slot);
        } else if (kind === "pass") {
          now += ahead;
          const due = [...model].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
          const given = dueUntil(wheel, now);
          expect(given.map((s) => model.get(s))).toEqual(due.map(([, at]) => at));
          for (const [s] of due) model.delete(s);
        }
        const soonest = wheel.peekSoonest();
        if (model.size === 0) expect(soonest).toBe(-1);
        else expect([model.get(soonest), wheel.soonestSecond]).toEqual(Array(2).fill(Math.min(...model.values())));
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});
