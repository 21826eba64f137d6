import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseMeminfo, parseVmstat } from "../../src/procfs/index.ts";

test("parseMeminfo has bytes, counts where there is no unit, and leaves out the rest", () => {
  const found = parseMeminfo("MemTotal:  12 kB\nHugePages_Total:   3\nActive(anon): 1 kB\nBad: x kB\nNone\n:\n");
  expect([...found]).toEqual([
    ["MemTotal", 12_288],
    ["HugePages_Total", 3],
    ["Active(anon)", 1024],
  ]);
});

test("parseMeminfo of this system is what free says", () => {
  const total = Number(/^Mem: +(\d+)/m.exec(Bun.spawnSync(["free", "-b"]).stdout.toString())?.[1]);
  expect(parseMeminfo(readFileSync("/proc/meminfo", "utf8")).get("MemTotal")).toBe(total);
});

test("parseVmstat leaves out what is no count", () => {
  expect([...parseVmstat("pgfault 12\noom_kill\nx -1\n\npswpin 0\n")]).toEqual([
    ["pgfault", 12],
    ["pswpin", 0],
  ]);
});
