import { ptr } from "bun:ffi";
import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

/** linux/time.h: time since the start of the system, sleep included; the kernel stamps processes with it. */
const CLOCK_BOOTTIME = 7;

/** Nanoseconds of CLOCK_BOOTTIME, clock_gettime(2). */
export function bootClockNs(): bigint {
  // struct timespec of 64-bit Linux
  const time = new BigInt64Array(2);
  if (libc().clock_gettime(CLOCK_BOOTTIME, ptr(time)) !== 0) {
    throw systemError({
      call: "clock_gettime(CLOCK_BOOTTIME)",
      errno: errno(),
      what: "Cannot tell the time since boot",
    });
  }
  const [seconds = 0n, nanoseconds = 0n] = time;
  return seconds * 1_000_000_000n + nanoseconds;
}
