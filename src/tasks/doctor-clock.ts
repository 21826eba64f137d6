import type { Clock } from "../core/clock.ts";
import { formatDurationMs } from "../core/quantities.ts";
import { readClockDiscipline } from "../native/index.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

/** Nothing of this program is older than that: 2026-01-01. */
const earliestMs = Date.UTC(2026, 0, 1);
/** What wall clock and monotonic clock may come apart by while they are looked at. */
const jumpMsMax = 100;
const lost = "certificates are judged by the wrong time, and what the bus stores bears wrong times";

/** A look at both clocks, for comparing with a later one. */
export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Both clocks now. */
export function readClocks(clock: Clock): ClockReading {
  return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
}

/** The wall clock: plausible, not jumping since `before`, and kept by somebody. */
export function checkClock(
  clock: Clock,
  before: ClockReading,
  readDiscipline = readClockDiscipline,
): Promise<DoctorCheck> {
  return makeCheck("clock", lost, () => {
    const now = readClocks(clock);
    const time = new Date(now.wallMs).toISOString();
    const jumpMs = now.wallMs - before.wallMs - (now.monotonicMs - before.monotonicMs);
    const set = "set it, and keep it with chrony or systemd-timesyncd";
    if (now.wallMs < earliestMs) return { status: "warn", found: `${time}, which is past`, lost, hint: set };
    if (Math.abs(jumpMs) > jumpMsMax) {
      const found = `jumped by ${formatDurationMs(Math.abs(jumpMs))} while it was looked at`;
      return { status: "warn", found, lost, hint: "keep it with one program that slews it" };
    }
    const { synchronized, errorMsMax } = readDiscipline();
    const figures = { synchronized, error_ms_max: errorMsMax };
    if (synchronized) return { status: "ok", found: `kept, within ${formatDurationMs(errorMsMax)}`, figures };
    const found = `${time.slice(0, 19)}Z, but nobody keeps it (NTP)`;
    return { status: "warn", found, lost: "its times drift from those of other hosts", hint: set, figures };
  });
}
