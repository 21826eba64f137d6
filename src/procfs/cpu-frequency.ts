import type { FileReader } from "./file-reader.ts";
import { folderNames } from "./folder-names.ts";
import { parseCount } from "./numbers.ts";

/**
 * Hertz by the number of the processor, out of the text of /proc/cpuinfo; empty on architectures that do not say it.
 */
export function parseCpuInfoHz(text: string): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let processor: number | undefined;
  for (const line of text.split("\n")) {
    const [name = "", value = ""] = line.split(":").map((part) => part.trim());
    if (name === "processor") processor = parseCount(value);
    else if (name === "cpu MHz" && processor !== undefined && /^\d+(\.\d+)?$/.test(value)) {
      found.set(processor, Math.round(Number(value) * 1e6));
    }
  }
  return found;
}

/**
 * The frequencies that cpufreq tells, in hertz by the number of the processor; empty where the kernel has no cpufreq.
 */
export function readScalingHz(sysRoot: string, reader: FileReader): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const folder = `${sysRoot}/devices/system/cpu`;
  for (const name of folderNames(folder)) {
    if (!/^cpu\d+$/.test(name)) continue;
    // in kilohertz (cpufreq.rst of the kernel)
    const khz = parseCount(reader.readText(`${folder}/${name}/cpufreq/scaling_cur_freq`)?.trim());
    if (khz !== undefined) found.set(Number(name.slice(3)), khz * 1000);
  }
  return found;
}
