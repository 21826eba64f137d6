import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseSystemStat } from "../../src/procfs/index.ts";

describe("parseSystemStat", () => {
  test("an old kernel has fewer modes, and what is missing is undefined", () => {
    const stat = parseSystemStat("cpu  10 20 30 40 50 60 70\ncpu1 1 2 3 4 5 6 7\nctxt 99\nbtime x\n");
    expect(stat?.all).toMatchObject({ user: 10, nice: 20, system: 30, idle: 40, softirq: 70, steal: 0, guest: 0 });
    expect([...(stat?.processors.keys() ?? [])]).toEqual([1]);
    expect(stat).toMatchObject({ contextSwitches: 99, bootTimeS: undefined, forks: undefined });
  });

  test("what is none is undefined", () => {
    for (const text of ["", "cpu0 1 2 3\n", "garbage"]) expect(parseSystemStat(text)).toBeUndefined();
  });

  test("this system's processors are those that nproc counts", () => {
    const stat = parseSystemStat(readFileSync("/proc/stat", "utf8"));
    const count = Bun.spawnSync(["getconf", "_NPROCESSORS_ONLN"]).stdout.toString().trim();
    expect(stat?.processors.size).toBe(Number(count));
  });
});
