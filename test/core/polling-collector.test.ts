import { describe, expect, test } from "bun:test";
import { systemClock } from "../../src/core/clock.ts";
import { AmoskysError } from "../../src/core/errors.ts";
import { silentObserver } from "../../src/core/observer.ts";
import { createPollingCollector, type PollingReport } from "../../src/core/polling-collector.ts";

function collectorOf(report: PollingReport, round: () => Promise<void> = async () => {}) {
  const shared = { clock: systemClock, observer: silentObserver };
  return createPollingCollector({ name: "x", intervalMs: 1, once: true, round, describe: () => report, ...shared });
}

describe("createPollingCollector", () => {
  test("is degraded, with what is not seen, where its rounds succeed and do not see all", async () => {
    const figures = { calls: 3 };
    const whole = collectorOf({ message: "3 calls", figures });
    const partial = collectorOf({ message: "3 calls", figures, degraded: "executions are not seen: no ring" });
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

  test("says why a round failed, whatever else is not seen", async () => {
    const collector = collectorOf({ message: "3 calls", figures: {}, degraded: "part" }, async () => {
      throw new AmoskysError("internal", "the disk is gone");
    });
    await collector.start();
    expect(collector.done).rejects.toThrow("the disk is gone");
    await collector.stop(100);
    expect(collector.health()).toMatchObject({ status: "degraded", message: "the disk is gone" });
  });
});
