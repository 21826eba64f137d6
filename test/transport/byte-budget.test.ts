import { expect, test } from "bun:test";
import { ByteBudget } from "../../src/transport/byte-budget.ts";

test("ByteBudget gives what there is, takes it back, and holds the limit of its parent too", () => {
  const whole = new ByteBudget(100);
  const first = new ByteBudget(80, whole);
  const second = new ByteBudget(80, whole);
  expect(first.take(80)).toBe(true);
  expect(first.take(1)).toBe(false);
  expect(second.take(21)).toBe(false);
  expect(second.used).toBe(0);
  expect(second.take(20)).toBe(true);
  expect(whole.used).toBe(100);
  first.release(80);
  expect(second.take(60)).toBe(true);
  second.release(80);
  expect(whole.used).toBe(0);
});
