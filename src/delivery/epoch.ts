import { randomBytes } from "node:crypto";
import type { Log } from "../wal/index.ts";

const epochKey = "epoch";

/** A random 64-bit number as 16 hexadecimal digits; never 0, which stands for none. */
function createEpoch(random: (size: number) => Uint8Array): string {
  for (;;) {
    const epoch = Buffer.from(random(8)).toString("hex");
    if (epoch !== "0".repeat(16)) return epoch;
  }
}

/**
 * The epoch that a log's new events belong to: made with the log, and anew where the log was recovered, since sequences
 * that went out before may be missing from what was salvaged.
 */
export function openEpoch(log: Log, random: (size: number) => Uint8Array = randomBytes): string {
  const known = log.recovery === undefined ? log.meta(epochKey) : undefined;
  if (known !== undefined) return known;
  const epoch = createEpoch(random);
  log.setMeta(epochKey, epoch);
  return epoch;
}
