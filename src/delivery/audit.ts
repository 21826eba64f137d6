import type { Log } from "../wal/index.ts";

/** What became of everything that an agent's log ever gave a sequence to. */
export interface AuditFigures {
  /** Sequences given, over all epochs of the log. */
  readonly produced: number;
  /** The bus said that it has them. */
  readonly settled: number;
  /** The bus refused them for a fault of their own; they are kept. */
  readonly parked: number;
  /** Declared lost by signed records. */
  readonly lost: number;
  /** Not answered yet. */
  readonly pending: number;
  /** produced - settled - parked - lost - pending: anything but 0 is a fault of ours. */
  readonly difference: number;
}

/** Balances an agent's log: produced = settled + parked + lost + pending. */
export function auditFigures(log: Pick<Log, "sources" | "ranges" | "stats">): AuditFigures {
  const stats = log.stats();
  const produced = log.sources().reduce((sum, { highest }) => sum + highest, 0);
  const explained = { settled: 0, lost: 0 };
  for (const { first, last, reason } of log.ranges()) {
    if (reason === "settled") explained.settled += last - first + 1;
    else if (reason === "shed" || reason === "burnt") explained.lost += last - first + 1;
  }
  const settled = stats.settled + explained.settled;
  const { lost } = explained;
  const { parked, pending } = stats;
  return { produced, settled, parked, lost, pending, difference: produced - settled - parked - lost - pending };
}
