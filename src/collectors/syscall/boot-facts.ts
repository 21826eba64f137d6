import type { Clock } from "../../core/clock.ts";
import { bootClockNs } from "../../native/index.ts";
import { readBootId, readBootTimeS } from "../../procfs/index.ts";
import type { BootFacts } from "./exec-event.ts";

const procRoot = "/proc";

/** What this boot is called and when it began, as `agent proc` has it, and how the wall clock stands to it now. */
export function bootFacts(clock: Clock): BootFacts {
  const wallOffsetNs = clock.wallNs() - bootClockNs();
  return {
    bootId: readBootId(procRoot),
    bootTimeS: readBootTimeS(procRoot) ?? Number(wallOffsetNs / 1_000_000_000n),
    wallOffsetNs,
  };
}
