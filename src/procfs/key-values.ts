import { parseCount, wordsOf } from "./numbers.ts";

/** Parses /proc/meminfo: bytes by name, and plain counts where the kernel gives no unit. Other lines are left out. */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const [amount, unit] = wordsOf(line.slice(colon + 1));
    const value = parseCount(amount);
    if (value !== undefined) found.set(line.slice(0, colon), unit === "kB" ? value * 1024 : value);
  }
  return found;
}

/** Parses /proc/vmstat: counts by name. Other lines are left out. */
export function parseVmstat(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name = "", amount] = wordsOf(line);
    const value = parseCount(amount);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}
