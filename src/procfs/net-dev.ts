import { parseCounter, wordsOf } from "./numbers.ts";

// the columns of /proc/net/dev, first of what came in, then of what went out (net/core/net-procfs.c)
const columns = [
  "bytesIn",
  "packetsIn",
  "errorsIn",
  "dropsIn",
  "fifoIn",
  "frameIn",
  "compressedIn",
  "multicastIn",
  "bytesOut",
  "packetsOut",
  "errorsOut",
  "dropsOut",
  "fifoOut",
  "collisionsOut",
  "carrierOut",
  "compressedOut",
] as const;

/** One column of /proc/net/dev. */
export type InterfaceColumn = (typeof columns)[number];

/** Counters of one interface; 64 bits, or 32 on some kernels and drivers. */
export interface InterfaceStats {
  readonly name: string;
  readonly counters: Readonly<Record<InterfaceColumn, bigint>>;
}

/** Parses /proc/net/dev; lines that are none, such as the headings, are left out. */
export function parseNetDev(text: string): InterfaceStats[] {
  const found: InterfaceStats[] = [];
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const values = wordsOf(line.slice(colon + 1)).map(parseCounter);
    if (values.length < columns.length || values.includes(undefined)) continue;
    const counters = Object.fromEntries(columns.map((column, i) => [column, values[i]]));
    found.push({ name: line.slice(0, colon).trim(), counters: counters as Record<InterfaceColumn, bigint> });
  }
  return found;
}
