import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { bootClockNs } from "../../src/native/index.ts";

describe("bootClockNs", () => {
  test("agrees with /proc/uptime and goes on", () => {
    const before = Number(bootClockNs()) / 1e9;
    const uptime = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
    const after = Number(bootClockNs()) / 1e9;
    expect(uptime).toBeGreaterThan(before - 0.02);
    expect(uptime).toBeLessThan(after + 0.02);
    expect(after).toBeGreaterThan(before);
  });
});
