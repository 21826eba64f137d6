import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/core/clock.ts";
import { checkClock, readClocks } from "../../src/tasks/doctor-clock.ts";

const clockAt = (wallMs: number, monotonicMs: number): Clock => ({
  wallMs: () => wallMs,
  wallNs: () => BigInt(wallMs) * 1_000_000n,
  monotonicMs: () => monotonicMs,
});
const start = Date.UTC(2026, 10, 20);
const before = readClocks(clockAt(start, 5000));
const kept = () => ({ synchronized: true, errorMsMax: 12 });
const unkept = () => ({ synchronized: false, errorMsMax: 16_000 });

describe("doctor: clock", () => {
  test("kept and even: ok, with how far it may be off", async () => {
    expect(await checkClock(clockAt(start + 50, 5049), before, kept)).toMatchObject({
      status: "ok",
      found: "kept, within 12 ms",
      figures: { synchronized: true, error_ms_max: 12 },
    });
  });

  test("kept by nobody", async () => {
    const check = await checkClock(clockAt(start, 5000), before, unkept);
    expect(check).toMatchObject({ status: "warn", found: "2026-11-20T00:00:00Z, but nobody keeps it (NTP)" });
  });

  test.each([
    ["forwards", 10_000],
    ["backwards", -10_000],
  ])("a jump %s while it is looked at", async (_direction, jumpMs) => {
    const check = await checkClock(clockAt(start + 20 + jumpMs, 5020), before, kept);
    expect(check).toMatchObject({ status: "warn", found: expect.stringContaining("jumped by 10s") });
  });

  test("a time before this program was written", async () => {
    const check = await checkClock(clockAt(0, 5000), before, kept);
    expect(check).toMatchObject({ status: "warn", found: "1970-01-01T00:00:00.000Z, which is past" });
  });

  test("a kernel that does not answer is a failure", async () => {
    const check = await checkClock(clockAt(start, 5000), before, () => {
      throw new Error("adjtimex");
    });
    expect(check).toMatchObject({ status: "fail", found: "adjtimex" });
  });
});
