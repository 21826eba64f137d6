import { parseCounter, wordsOf } from "./numbers.ts";

/** Bytes of a sector in /proc/diskstats, whatever the disk's own are (iostats.rst of the kernel). */
const sectorBytes = 512n;

/** Names of the columns of /proc/diskstats behind the device's name (iostats.rst). */
const columns = [
  "reads",
  "readsMerged",
  "readSectors",
  "readMs",
  "writes",
  "writesMerged",
  "writtenSectors",
  "writeMs",
  "inFlight",
  "busyMs",
  "weightedMs",
  "discards",
  "discardsMerged",
  "discardedSectors",
  "discardMs",
  "flushes",
  "flushMs",
] as const;
type Column = (typeof columns)[number];

/** Counters of one disk since boot; times are 32-bit milliseconds and wrap. Older kernels have no discards, flushes. */
export interface DiskStats {
  readonly name: string;
  readonly counters: Readonly<Partial<Record<Column, bigint>>>;
  readonly readBytes: bigint;
  readonly writtenBytes: bigint;
}

/** Parses /proc/diskstats; lines that are none are left out. */
export function parseDiskStats(text: string): DiskStats[] {
  const found: DiskStats[] = [];
  for (const line of text.split("\n")) {
    const words = wordsOf(line);
    const name = words[2];
    const counters: Partial<Record<Column, bigint>> = {};
    columns.forEach((column, i) => {
      const value = parseCounter(words[i + 3]);
      if (value !== undefined) counters[column] = value;
    });
    const { readSectors, writtenSectors } = counters;
    if (name === undefined || readSectors === undefined || writtenSectors === undefined) continue;
    found.push({
      name,
      counters,
      readBytes: readSectors * sectorBytes,
      writtenBytes: writtenSectors * sectorBytes,
    });
  }
  return found;
}

// whole disks of the kernel's drivers end in a letter, or have their partitions behind a p; memory and floppies are
// none
const partition = /^(?:(?:[hsv]|xv)d[a-z]+\d+|(?:nvme\d+(?:c\d+)?n\d+|mmcblk\d+|nbd\d+|md\d+)p\d+)$/;
const noDisk = /^(?:z?ram|loop|fd|sr|mmcblk\d+boot)\d+$/;

/** Whether a device of /proc/diskstats is a disk as a whole: no partition, no memory, no loop, no drive for media. */
export function isWholeDisk(name: string): boolean {
  return !partition.test(name) && !noDisk.test(name);
}
