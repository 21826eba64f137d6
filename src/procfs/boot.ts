import { FileReader } from "./file-reader.ts";
import { parseCount, parseFraction } from "./numbers.ts";
import { ticksPerSecond } from "./process-stat.ts";

const reader = new FileReader();
const nsPerTick = 1_000_000_000n / BigInt(ticksPerSecond);

/** The id that the kernel made for this boot (random(4)); where it shows none, the time of the boot. */
export function readBootId(procRoot: string): string {
  const id = reader.readText(`${procRoot}/sys/kernel/random/boot_id`)?.trim();
  return id || `btime-${readBootTimeS(procRoot) ?? 0}`;
}

/** When the system booted, in seconds since the Unix epoch; follows the wall clock when that is set. */
export function readBootTimeS(procRoot: string): number | undefined {
  const text = reader.readText(`${procRoot}/stat`) ?? "";
  return parseCount(/^btime (\d+)$/m.exec(text)?.[1]);
}

/** Seconds since boot, suspended time included; undefined where /proc/uptime is missing. */
export function readUptimeS(procRoot: string): number | undefined {
  return parseFraction(reader.readText(`${procRoot}/uptime`)?.split(" ")[0]);
}

/** Ticks since boot, as field 22 of /proc/PID/stat has them, of a time of CLOCK_BOOTTIME. */
export function bootTicks(bootNs: bigint): number {
  return Number(bootNs / nsPerTick);
}

/** When a process started, in nanoseconds since the Unix epoch; as exact as a tick and the time of boot in seconds. */
export function startTimeNs(bootTimeS: number, startTicks: number): bigint {
  return BigInt(bootTimeS) * 1_000_000_000n + BigInt(startTicks) * nsPerTick;
}

// linux/auxvec.h
const AT_PAGESZ = 6n;

/** Bytes of a page of memory, out of /proc/self/auxv of this process. */
export function readPageBytes(): number {
  const length = reader.readWhole("/proc/self/auxv");
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset, Math.max(0, length));
  for (let at = 0; at + 16 <= view.byteLength; at += 16) {
    if (view.getBigUint64(at, true) === AT_PAGESZ) return Number(view.getBigUint64(at + 8, true));
  }
  return 4096;
}
