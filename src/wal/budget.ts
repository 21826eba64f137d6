import { AmoskysError } from "../core/errors.ts";
import type { AppendBatch } from "./append-batch.ts";
import { costOf } from "./ledger.ts";
import type { LogParts } from "./log-parts.ts";

const mebibyte = 1 << 20;
const patienceMs = 200;

/**
 * Throws `disk_full` where a batch would take the disk's reserve, or the log well beyond its budget. The owner of a
 * log sheds or refuses at
 * the budget itself; this holds where it does not, a sixteenth and a mebibyte further.
 */
export function assertBudget({ ledger, room, settings }: LogParts, batch: AppendBatch): void {
  let bytes = 0;
  for (const record of batch.records) bytes += record.bytes.length;
  const cost = costOf({ count: batch.records.length, bytes });
  room.assert(cost);
  const limit = settings.budgetBytes + settings.budgetBytes / 16 + mebibyte;
  if (ledger.liveBytes + cost <= limit) return;
  const { path, budgetBytes } = settings;
  throw new AmoskysError("disk_full", `log ${path} has used up its budget of ${budgetBytes} bytes`, {
    hint: "raise storage.max_wal_bytes, or mend what keeps its records from being settled",
    details: { path, liveBytes: ledger.liveBytes },
  });
}

/** Throws `disk_full` where readers keep so much in the write-ahead file that it is at its limit. */
export function assertWalBound({ checkpointer, gate, place, settings }: LogParts): void {
  if (place.walBytes <= settings.walBytesMax || gate.failed) return;
  gate.checkpoint(patienceMs);
  place.measure();
  if (place.walBytes <= settings.walBytesMax) return;
  const usedBytes = checkpointer.usedBytes();
  if (usedBytes <= settings.walBytesMax) return;
  const { path } = settings;
  throw new AmoskysError("disk_full", `readers keep ${usedBytes} bytes of log ${path} from being written back`, {
    hint: `end what reads ${path}`,
    details: { path, usedBytes },
  });
}
