import { openLog } from "../../src/wal/index.ts";
import { sampleBatch, sampleBytes, sampleSource, settleGroup } from "./sample-log.ts";

/**
 * Writes the log that test/fixtures holds for each schema version: pending, settled and parked records, some pruned, a
 * range, a group that was tried. A new version gets a file of its own; those of earlier versions stay as they are.
 */
export function writeFixture(path: string): void {
  const log = openLog({ path, role: "agent", budgetBytes: 1 << 30, checkpointBytes: 4096 });
  const source = sampleSource;
  log.setMeta("epoch", source.epoch);
  log.append(sampleBatch(1, 3));
  log.append(sampleBatch(4, 5));
  log.append({
    ...sampleBatch(9, 4),
    heads: [{ source, highest: 14, lastSig: sampleBytes(9, 64) }],
    ranges: [{ source, op: "add", first: 13, last: 14, reason: "burnt", sinceMs: 1_700_000_000_000 }],
  });
  settleGroup(log, 1);
  log.prune();
  const settled = { state: "settled", code: "stored", reason: "" } as const;
  const parked = { state: "parked", code: "bad_signature", reason: "the signature does not hold" } as const;
  log.settle([4, 5, 6].map((id) => ({ id, ...settled })));
  log.settle([
    { id: 7, ...parked, standalone: sampleBytes(7, 120) },
    { id: 9, ...parked },
  ]);
  log.markTried(2, "overload", 1_700_000_000_123);
  log.close();
}
