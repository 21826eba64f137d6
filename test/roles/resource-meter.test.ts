import { describe, expect, test } from "bun:test";
import { type ProcessUse, ResourceMeter, readProcessUse } from "../../src/roles/resource-meter.ts";

const budget = { cpuPercent: 10, memoryBytes: 100 << 20 };

/** A meter whose time and use the test sets. */
function createMeter(withBudget = true) {
  let nowMs = 1000;
  let use: ProcessUse = { cpuMs: 300, rssBytes: 50 << 20 };
  const clock = { wallNs: () => 0n, wallMs: () => 0, monotonicMs: () => nowMs };
  const meter = new ResourceMeter({ clock, budget: withBudget ? budget : undefined, section: "proc", read: () => use });
  /** Lets time pass in which the process works `share` of it. */
  const pass = (ms: number, share: number, rssBytes = use.rssBytes) => {
    for (let left = ms; left > 0; left -= 5000) {
      const stepMs = Math.min(left, 5000);
      nowMs += stepMs;
      use = { cpuMs: use.cpuMs + stepMs * share, rssBytes };
      meter.sample();
    }
  };
  return { meter, pass };
}

describe("ResourceMeter", () => {
  test("processor time is that of the last minute", () => {
    const { meter, pass } = createMeter();
    pass(60_000, 0.5);
    expect(meter.use().cpuPercent).toBeCloseTo(50, 6);
    pass(30_000, 0);
    expect(meter.use().cpuPercent).toBeCloseTo(25, 6);
    pass(30_000, 0);
    expect(meter.use()).toEqual({ cpuPercent: 0, memoryBytes: 50 << 20, budget });
  });

  test("a start is no breach, thirty seconds are, and rest heals it", () => {
    const { meter, pass } = createMeter();
    pass(25_000, 0.5);
    expect(meter.check().ok).toBe(true);
    pass(5000, 0.5);
    expect(meter.check()).toEqual({
      ok: false,
      message:
        "uses 50.0 % of a processor, more than its budget of 10 %; " +
        "give it less to do or raise proc.budget.cpu_percent",
    });
    pass(60_000, 0.02);
    expect(meter.check()).toEqual({
      ok: true,
      message: "2.0 % of a processor of 10 %, 50.0 MiB of memory of 100.0 MiB",
    });
  });

  test("too much memory is told at once", () => {
    const { meter, pass } = createMeter();
    pass(5000, 0, 101 << 20);
    expect(meter.check()).toMatchObject({ ok: false, message: expect.stringContaining("raise proc.budget.memory") });
  });

  test("without a budget there is only the figure", () => {
    const { meter, pass } = createMeter(false);
    pass(60_000, 2, 2 ** 40);
    expect(meter.check()).toEqual({ ok: true, message: "200.0 % of a processor, 1.0 TiB of memory" });
  });
});

test("what this process uses is what the kernel says of it", () => {
  const before = readProcessUse();
  const status = Bun.spawnSync(["grep", "VmRSS", `/proc/${process.pid}/status`]).stdout.toString();
  const ratio = before.rssBytes / 1024 / Number(/\d+/.exec(status)?.[0]);
  expect(Math.abs(Math.log2(ratio))).toBeLessThan(0.4);
  const endMs = performance.now() + 200;
  while (performance.now() < endMs);
  const usedMs = readProcessUse().cpuMs - before.cpuMs;
  expect(usedMs).toBeGreaterThan(20);
  expect(usedMs).toBeLessThan(2000);
});
