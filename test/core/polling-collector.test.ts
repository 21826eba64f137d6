import { describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import type { CollectorContext } from "../../src/core/collector.ts";
import { AmoskysError } from "../../src/core/errors.ts";
import { type LogLevel, silentObserver } from "../../src/core/observer.ts";
import { definePollingCollector, type RoundsReport } from "../../src/core/polling-collector.ts";

interface Made {
  readonly report?: RoundsReport;
  readonly once?: boolean;
  round?(number: number): void;
}

/** A collector whose rounds the test makes, and what it logged. */
function collectorOf({ report = { message: "3 calls", figures: {} }, once = true, round }: Made) {
  const logged: string[] = [];
  let rounds = 0;
  const definition = definePollingCollector("x", () => ({
    round: () => round?.(++rounds),
    describe: () => report,
  }));
  const observer = { ...silentObserver, log: (_level: LogLevel, message: string) => void logged.push(message) };
  const context = { clock: systemClock, observer } as unknown as CollectorContext;
  const collector = definition.create({ config: { interval_s: 0.005 }, once }, context);
  return { collector, logged };
}

const fails = (code: "internal" | "facility_missing", message: string, hint?: string) => () => {
  throw new AmoskysError(code, message, hint === undefined ? {} : { hint });
};

describe("definePollingCollector", () => {
  test("is degraded, with what is not seen, where its rounds succeed and do not see all", async () => {
    const figures = { calls: 3 };
    const whole = collectorOf({ report: { message: "3 calls", figures } }).collector;
    const report = { message: "3 calls", figures, degraded: "executions are not seen: no ring" };
    const partial = collectorOf({ report }).collector;
    for (const collector of [whole, partial]) {
      await collector.start();
      await collector.done;
      await collector.stop(100);
    }
    const all = { calls: 3, rounds: 1, failed_rounds: 0 };
    expect(whole.health()).toEqual({ status: "ok", message: "3 calls", figures: all });
    const message = "3 calls; executions are not seen: no ring";
    expect(partial.health()).toEqual({ status: "degraded", message, figures: all });
  });

  test("says why a round failed and what to do, whatever else is not seen", async () => {
    const round = fails("internal", "the disk is gone", "look at it");
    const { collector, logged } = collectorOf({ report: { message: "x", figures: {}, degraded: "part" }, round });
    await collector.start();
    expect(await collector.done.catch((error: Error) => error.message)).toBe("the disk is gone");
    await collector.stop(100);
    expect(collector.health()).toMatchObject({ status: "degraded", message: "the disk is gone; look at it" });
    // who waits for the end tells it
    expect(logged).toEqual([]);
  });

  test("goes on after a failed round, logs its reason once, and is well again", async () => {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const round = (number: number) => {
      if (number === 5) resolve();
      else if (number > 1 && number < 4) fails("facility_missing", "the file is gone")();
    };
    const { collector, logged } = collectorOf({ once: false, round });
    await collector.start();
    await over;
    await collector.stop(1000);
    expect(logged).toEqual(["x: a round failed: the file is gone"]);
    expect(collector.health()).toMatchObject({ status: "ok", figures: { failed_rounds: 2 } });
  });

  test("ends where the first round finds what no later one mends", async () => {
    const { collector, logged } = collectorOf({ once: false, round: fails("facility_missing", "no such kernel") });
    await collector.start();
    expect(await collector.done.catch((error: Error) => error.message)).toBe("no such kernel");
    await collector.stop(100);
    expect(logged).toEqual([]);
  });
});
