import { ptr } from "bun:ffi";
import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

// linux/timex.h: offsets into struct timex of 64-bit Linux, and its state and status bits
const timexBytes = 208;
const maxErrorOffset = 24;
const statusOffset = 40;
const STA_UNSYNC = 0x40;

/** What the kernel knows of how well the wall clock is kept. */
export interface ClockDiscipline {
  /** Something such as NTP keeps the clock, and said so lately. */
  readonly synchronized: boolean;
  /** Milliseconds the clock is off at most, as the one who keeps it told the kernel. */
  readonly errorMsMax: number;
}

/** adjtimex(2) with nothing to adjust; needs no privilege. */
export function readClockDiscipline(): ClockDiscipline {
  const timex = new DataView(new ArrayBuffer(timexBytes));
  if (libc().adjtimex(ptr(timex)) < 0) {
    throw systemError({ call: "adjtimex", errno: errno(), what: "Cannot ask how the clock is kept" });
  }
  return {
    synchronized: (timex.getInt32(statusOffset, true) & STA_UNSYNC) === 0,
    errorMsMax: Number(timex.getBigInt64(maxErrorOffset, true)) / 1000,
  };
}
