import { parseCount, parseFraction } from "./numbers.ts";

/** Resources whose pressure the kernel can tell (accounting/psi.rst). */
export const pressureResources = ["cpu", "memory", "io", "irq"] as const;
export type PressureResource = (typeof pressureResources)[number];

/** Share of time in which tasks waited for a resource: some of them, or all (`full`). */
export interface PressureLine {
  readonly kind: "some" | "full";
  /** Percent over the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds since boot. */
  readonly totalUs: number;
}

const form = /^(some|full) avg10=(\S+) avg60=(\S+) avg300=(\S+) total=(\d+)$/;

/** Parses a file of /proc/pressure; lines that are none are left out. */
export function parsePressure(text: string): PressureLine[] {
  const found: PressureLine[] = [];
  for (const line of text.split("\n")) {
    const match = form.exec(line);
    if (!match) continue;
    const [avg10, avg60, avg300] = [match[2], match[3], match[4]].map(parseFraction);
    const totalUs = parseCount(match[5]);
    if (avg10 === undefined || avg60 === undefined || avg300 === undefined || totalUs === undefined) continue;
    found.push({ kind: match[1] as "some" | "full", avg10, avg60, avg300, totalUs });
  }
  return found;
}
