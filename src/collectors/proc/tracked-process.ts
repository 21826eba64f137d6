import { type ProcessFacts, type ProcessStat, ticksPerSecond } from "../../procfs/index.ts";

/** A process that was there in the last round, with its facts of when it was first seen or executed anew. */
export interface TrackedProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly startNs: bigint;
  readonly entityId: string;
  /** Whether the filters let it through. */
  isSelected: boolean;
  name: string;
  facts: ProcessFacts;
  ppid: number;
  /** The letter of its state, as ps shows it. */
  state: string;
  threads: number;
  virtualBytes: number;
  residentBytes: number;
  cpuTicks: number;
  /** Of one processor, since it was looked at before; at first sight, over its life, as ps shows it. */
  cpuPercent: number;
  /** When its ticks were read last, monotonic: under load a round takes its time. */
  lookedMs: number;
  nameHash: number;
  imageHash: number;
  /** The last round that saw it. */
  round: number;
}

/** Percent of one processor; 0 where no time has passed. */
function percentOf(ticks: number, seconds: number): number {
  return seconds > 0 ? Math.max(0, (ticks / ticksPerSecond / seconds) * 100) : 0;
}

/** Takes over what changes from round to round; the stat was read at `atMs`. */
export function refresh(tracked: TrackedProcess, stat: ProcessStat, atMs: number, pageBytes: number): void {
  const ticks = stat.userTicks + stat.systemTicks;
  tracked.cpuPercent = percentOf(ticks - tracked.cpuTicks, (atMs - tracked.lookedMs) / 1000);
  tracked.lookedMs = atMs;
  tracked.cpuTicks = ticks;
  tracked.ppid = stat.ppid;
  tracked.state = String.fromCharCode(stat.state);
  tracked.threads = stat.threads;
  tracked.virtualBytes = stat.virtualBytes;
  tracked.residentBytes = stat.residentPages * pageBytes;
}
