import { expect, test } from "bun:test";
import { AmoskysError } from "../../src/core/errors.ts";
import { Pace } from "../../src/delivery/pace.ts";
import { askedToWait, identityRefused } from "../../src/delivery/refusal.ts";
import { createTestClock } from "./test-clock.ts";

function createPace(random = () => 1 - 1e-9) {
  const clock = createTestClock();
  const pace = new Pace({ clock, random, baseMs: 1000, maxMs: 30_000, heldBaseMs: 5000, heldMaxMs: 60_000 });
  return { clock, pace };
}

const away = new AmoskysError("unreachable", "The bus is away");

test("Pace waits longer from failure to failure up to its limit, and forgets them after a success", () => {
  const { clock, pace } = createPace();
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    pace.failed(away, { startedMs: clock.monotonicMs() });
    waits.push(pace.waitMs());
    clock.advance(pace.waitMs());
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(pace.failures).toBe(8);
  pace.succeeded();
  expect([pace.waitMs(), pace.failures, pace.error]).toEqual([0, 0, undefined]);
});

test("Pace never waits less than the bus asks for, with jitter above", () => {
  for (const random of [() => 0, () => 0.5, () => 0.999]) {
    const { clock, pace } = createPace(random);
    pace.failed(askedToWait("overload", ""), { startedMs: clock.monotonicMs(), hintMs: 12_000, asked: true });
    expect(pace.waitMs()).toBeGreaterThanOrEqual(12_000);
    expect(pace.waitMs()).toBeLessThanOrEqual(18_000);
    expect(pace.isAskedToWait).toBe(true);
  }
});

test("Pace counts tries that failed together once", () => {
  const { clock, pace } = createPace();
  const startedMs = clock.monotonicMs();
  clock.advance(50);
  for (let i = 0; i < 4; i += 1) pace.failed(away, { startedMs });
  expect(pace.failures).toBe(1);
});

test("Pace waits longer for a refused identity, and says that it is held", () => {
  const { clock, pace } = createPace();
  expect(pace.isHeld).toBe(false);
  pace.failed(identityRefused("agent", "unknown_agent", ""), { startedMs: clock.monotonicMs() });
  expect(pace.isHeld).toBe(true);
  expect(pace.waitMs()).toBe(5000);
  pace.succeeded();
  expect(pace.isHeld).toBe(false);
});

test("Pace ends a wait for missing sequences when they are explained, and no other wait", () => {
  const { clock, pace } = createPace();
  pace.failed(askedToWait("window_full", ""), { startedMs: clock.monotonicMs(), hintMs: 30_000, asked: true });
  pace.explained();
  expect(pace.waitMs()).toBe(0);
  clock.advance(1);
  pace.failed(askedToWait("overload", ""), { startedMs: clock.monotonicMs(), hintMs: 30_000, asked: true });
  pace.explained();
  expect(pace.waitMs()).toBeGreaterThanOrEqual(30_000);
});

test("Pace goes slower when asked to, which is no failure and passes", () => {
  const { clock, pace } = createPace(() => 0);
  pace.slowed(500);
  expect([pace.waitMs(), pace.failures, pace.isAskedToWait]).toEqual([500, 0, true]);
  clock.advance(500);
  expect([pace.waitMs(), pace.isAskedToWait]).toEqual([0, false]);
});

test("refusals name the agent, the reason without control characters, and the next command", () => {
  const refused = identityRefused("agent-1", "unknown_agent", "no\u001b[31msuch agent");
  expect(refused.code).toBe("identity_refused");
  expect(refused.message).toBe("The bus refuses the identity agent-1 (unknown_agent: no\\x1b[31msuch agent)");
  expect(refused.hint).toContain("amoskys trust add agent-1");
  expect(identityRefused("a", "expired", "").hint).toBe("amoskys certs check");
  expect(identityRefused("a", "constructor", "").hint).toBe("amoskys certs check");
});

test("Pace waits minutes at most, whatever a bus asks for", () => {
  const { clock, pace } = createPace();
  const hintMs = 4_294_967_295;
  pace.slowed(hintMs);
  expect(pace.waitMs()).toBe(450_000);
  for (let i = 0; i < 2; i += 1) {
    pace.failed(askedToWait("overload", ""), { startedMs: clock.monotonicMs() - 1, hintMs, asked: true });
    expect(pace.waitMs()).toBeGreaterThanOrEqual(300_000);
    expect(pace.waitMs()).toBeLessThanOrEqual(450_000);
  }
});
