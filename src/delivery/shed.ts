import type { SequenceRange } from "../core/sequence-set.ts";
import type { Log } from "../wal/index.ts";
import type { Notice } from "./commit-plan.ts";
import type { LossGroup } from "./loss-groups.ts";
import { coalesceLostRanges, type LostRange, mergeLostRanges } from "./sequence-ranges.ts";

/** Above this many ranges in one notice their reasons are no longer told apart. */
const rangesMax = 64;

/** What is dropped to make room, and what has to be said about it in the same transaction. */
export interface Shed {
  readonly dropGroups: readonly number[];
  readonly notices: readonly Notice[];
  /** Events that are lost by it. */
  readonly events: number;
}

export interface ShedInput {
  readonly log: Log;
  /** How much has to go. */
  readonly bytes: number;
  /** Groups that stay: what is in flight, and what tells the bus of parked records. */
  readonly keep: ReadonlySet<number>;
  readonly lossGroups: Iterable<LossGroup>;
}

interface EpochLoss {
  readonly lost: LostRange[];
  readonly gone: SequenceRange[];
}

/**
 * Chooses the oldest groups to drop. A new loss record also takes over what older ones, which the bus has not seen,
 * declared about the sequences before: so however long the bus is away, a few records say all of it.
 */
export function planShed(input: ShedInput): Shed | undefined {
  const { log, keep } = input;
  const lossGroups = [...input.lossGroups].filter(({ groupId }) => !keep.has(groupId));
  const except = [...keep, ...lossGroups.map(({ groupId }) => groupId)];
  const { groupIds, ranges } = log.oldestGroups(input.bytes, except);
  if (groupIds.length === 0) return undefined;
  const epochs = new Map<string, EpochLoss>();
  let events = 0;
  for (const { source, first, last, count, startNs, endNs } of ranges) {
    const epoch = epochs.get(source.epoch) ?? { lost: [], gone: [] };
    epochs.set(source.epoch, epoch);
    epoch.lost.push({ first, last, reason: "budget", startNs, endNs });
    epoch.gone.push({ first, last });
    events += count;
  }
  const dropGroups = [...groupIds];
  const lastShed = new Map([...epochs].map(([name, { gone }]) => [name, lastOf(gone)]));
  for (const group of lossGroups) {
    const epoch = epochs.get(group.epoch);
    if (epoch === undefined || lastOf(group.lost) > (lastShed.get(group.epoch) ?? 0)) continue;
    dropGroups.push(group.groupId);
    const [{ startNs, endNs }] = group.lost as [LostRange];
    epoch.lost.push(...group.lost, { ...group.own, reason: "budget", startNs, endNs });
    epoch.gone.push(group.own);
  }
  const notices = [...epochs].map(([epoch, { lost, gone }]) => ({ epoch, lost: condense(lost), gone, parked: [] }));
  return { dropGroups, notices, events };
}

function lastOf(ranges: readonly SequenceRange[]): number {
  return ranges.reduce((last, range) => Math.max(last, range.last), 0);
}

function condense(lost: readonly LostRange[]): LostRange[] {
  const merged = mergeLostRanges(lost);
  return merged.length <= rangesMax ? merged : coalesceLostRanges(merged, "budget");
}
