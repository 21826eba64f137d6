import type { Log } from "../wal/index.ts";

/** What the records of a log take, and what they may take now: its budget, or less where the disk has less. */
export interface LogBudget {
  readonly liveBytes: number;
  readonly settled: number;
  readonly pending: number;
  readonly limitBytes: number;
}

/** Reads a log's budget as it is at this moment. */
export function readLogBudget(log: Log, budgetBytes: number): LogBudget {
  const { liveBytes, settled, pending } = log.stats();
  return { liveBytes, settled, pending, limitBytes: Math.min(budgetBytes, liveBytes + log.diskRoomBytes()) };
}
