import { CompactRange } from "../core/merkle.ts";
import { costOf, type LedgerRow, totalsOf } from "./ledger.ts";
import type { LogStats } from "./log-options.ts";

/** The figures that do not stand in the ledger. */
export type MeasuredStats = Pick<
  LogStats,
  "budgetBytes" | "fileBytes" | "walBytes" | "oldestPendingNs" | "lastCommitMs"
>;

/** The figures of a log from its ledger and what was measured beside it. */
export function statsOf(row: LedgerRow, measured: MeasuredStats): LogStats {
  const { pending, settled, parked } = totalsOf(row);
  return {
    records: pending.count + settled.count + parked.count,
    pending: pending.count,
    settled: settled.count,
    parked: parked.count,
    liveBytes: costOf(pending) + costOf(settled) + costOf(parked),
    pendingBytes: costOf(pending),
    highest: row.last_id,
    treeSize: row.tree_size,
    treeRoot: new CompactRange(row.tree_size, row.tree_peaks).root(),
    ...measured,
  };
}
