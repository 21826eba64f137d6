import { expect, test } from "bun:test";
import { SendRate } from "../../src/delivery/send-rate.ts";
import { createTestClock } from "./test-clock.ts";

test("SendRate of 0 never waits", () => {
  const rate = new SendRate(0, createTestClock());
  rate.spend(1_000_000);
  expect(rate.waitMs()).toBe(0);
});

test("SendRate lets a group go whole and waits off its debt", () => {
  const clock = createTestClock();
  const rate = new SendRate(100, clock);
  expect(rate.waitMs()).toBe(0);
  rate.spend(300);
  expect(rate.waitMs()).toBeGreaterThanOrEqual(2000);
  clock.advance(1000);
  expect(rate.waitMs()).toBeGreaterThan(900);
  clock.advance(rate.waitMs());
  expect(rate.waitMs()).toBe(0);
});

test("SendRate holds its average over an hour of groups of any size", () => {
  const clock = createTestClock();
  const rate = new SendRate(50, clock);
  const startMs = clock.monotonicMs();
  let sent = 0;
  for (let i = 0; i < 10_000 && clock.monotonicMs() - startMs < 3_600_000; i += 1) {
    clock.advance(rate.waitMs());
    const group = 1 + ((i * 37) % 512);
    rate.spend(group);
    sent += group;
  }
  expect(Math.abs(sent - 50 * 3600)).toBeLessThan(0.01 * 50 * 3600);
});

test("SendRate saves up one second at most", () => {
  const clock = createTestClock();
  const rate = new SendRate(10, clock);
  clock.advance(3_600_000);
  rate.spend(10);
  rate.spend(1);
  expect(rate.waitMs()).toBeGreaterThan(0);
});
