import { expect, test } from "bun:test";
import { FileReader, parseCpuInfoHz, readScalingHz } from "../../src/procfs/index.ts";
import { ProcFolder } from "./proc-folder.ts";

test("parseCpuInfoHz has hertz by processor, and nothing where there are none", () => {
  const text = "processor\t: 0\ncpu MHz\t\t: 799.998\n\nprocessor\t: 5\ncpu MHz\t\t: 1600\n\ncpu MHz : x\n";
  expect([...parseCpuInfoHz(text)]).toEqual([
    [0, 799_998_000],
    [5, 1_600_000_000],
  ]);
  expect(parseCpuInfoHz("processor : 0\nBogoMIPS : 48.00\n").size).toBe(0);
});

test("readScalingHz reads cpufreq's kilohertz", () => {
  using folder = new ProcFolder();
  folder.write("devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1699981\n");
  folder.write("devices/system/cpu/cpu11/cpufreq/scaling_cur_freq", "8000\n");
  folder.write("devices/system/cpu/cpu2/online", "1\n");
  folder.write("devices/system/cpu/cpufreq/boost", "1\n");
  expect(readScalingHz(folder.path, new FileReader())).toEqual(
    new Map([
      [0, 1_699_981_000],
      [11, 8_000_000],
    ]),
  );
  expect(readScalingHz("/nowhere", new FileReader()).size).toBe(0);
});
