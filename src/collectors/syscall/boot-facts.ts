import type { Clock } from "../../core/clock.ts";
import { bootClockNs } from "../../native/index.ts";
import { readBootTimeS } from "../../procfs/index.ts";
import type { BootFacts } from "./exec-event.ts";

/** When this boot began, as `agent proc` has it, and how the wall clock stands to it now. */
export function bootFacts(bootId: string, clock: Clock): BootFacts {
  const wallOffsetNs = clock.wallNs() - bootClockNs();
  const bootTimeS = readBootTimeS("/proc") ?? Number(wallOffsetNs / 1_000_000_000n);
  return { bootId, bootTimeS, wallOffsetNs };
}
