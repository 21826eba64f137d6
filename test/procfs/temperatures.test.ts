import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { FileReader, readTemperatures } from "../../src/procfs/index.ts";
import { ProcFolder } from "./proc-folder.ts";

test("readTemperatures has each sensor that answers, by its label or its number", () => {
  using folder = new ProcFolder();
  folder.write("class/hwmon/hwmon0/name", "coretemp\n");
  folder.write("class/hwmon/hwmon0/temp1_input", "55500\n");
  folder.write("class/hwmon/hwmon0/temp1_label", "Package id 0\n");
  folder.write("class/hwmon/hwmon0/temp1_max", "84000\n");
  folder.write("class/hwmon/hwmon0/temp2_input", "-5000\n");
  folder.write("class/hwmon/hwmon0/in0_input", "792\n");
  folder.write("class/hwmon/hwmon1/temp3_input", "n/a\n");
  // a read of a folder fails with EISDIR, as that of a broken sensor does with EIO
  mkdirSync(join(folder.path, "class/hwmon/hwmon1/temp4_input"));
  folder.write("class/hwmon/hwmon1/temp5_input", "1\n");
  expect(readTemperatures(folder.path, new FileReader())).toEqual([
    { device: "hwmon0", chip: "coretemp", sensor: "Package id 0", celsius: 55.5 },
    { device: "hwmon0", chip: "coretemp", sensor: "temp2", celsius: -5 },
    { device: "hwmon1", chip: "hwmon1", sensor: "temp5", celsius: 0.001 },
  ]);
  expect(readTemperatures("/nowhere", new FileReader())).toEqual([]);
});
