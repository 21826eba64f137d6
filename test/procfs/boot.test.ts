import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readBootId, readBootTimeS, readPageBytes, readUptimeS, startTimeNs } from "../../src/procfs/index.ts";
import { ProcFolder } from "./proc-folder.ts";

describe("boot", () => {
  test("times are exact to the nanosecond of their tick", () => {
    expect(startTimeNs(1_700_000_000, 12_345)).toBe(1_700_000_123_450_000_000n);
  });

  test("our own start lies before now, and not by more than this test runs", () => {
    const ticks = Number(
      readFileSync("/proc/self/stat", "latin1")
        .replace(/^.*\) /s, "")
        .split(" ")[19],
    );
    const startMs = Number(startTimeNs(readBootTimeS("/proc") as number, ticks)) / 1e6;
    const sinceMs = performance.timeOrigin - startMs;
    expect(Math.abs(sinceMs)).toBeLessThan(3000);
  });

  test("a page is what getconf says", () => {
    const size = Bun.spawnSync(["getconf", "PAGESIZE"]).stdout.toString().trim();
    expect(readPageBytes()).toBe(Number(size));
  });

  test("a folder without a boot id is named by its boot time; an empty one has neither", () => {
    using proc = new ProcFolder();
    expect(readBootId(proc.path)).toBe("11111111-2222-3333-4444-555555555555");
    expect(readUptimeS(proc.path)).toBe(1000);
    proc.write("sys/kernel/random/boot_id", "");
    expect(readBootId(proc.path)).toBe("btime-1700000000");
    expect(readBootTimeS(`${proc.path}/sys`)).toBeUndefined();
  });
});
