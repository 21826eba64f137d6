import type { SequenceRange } from "../core/sequence-set.ts";
import { scanStoredLeaf } from "../envelope/index.ts";
import type { StoredGroup } from "../wal/index.ts";
import { leafOf } from "./parcel.ts";
import type { LostRange } from "./sequence-ranges.ts";

/** A group of loss records that the bus does not have yet. */
export interface LossGroup {
  readonly groupId: number;
  readonly epoch: string;
  /** Its own sequences. */
  readonly own: SequenceRange;
  readonly lost: readonly LostRange[];
}

/** Reads a group of loss records back; undefined where it holds anything else. */
export function readLossGroup(group: StoredGroup): LossGroup | undefined {
  const lost: LostRange[] = [];
  for (const record of group.records) {
    const scan = scanStoredLeaf(leafOf(record));
    const loss = scan.ok ? scan.facts.loss : undefined;
    if (loss === undefined) return undefined;
    const { firstSequence: first, lastSequence: last, reason, startNs, endNs } = loss;
    lost.push({ first, last, reason, startNs, endNs });
  }
  const own = { first: group.firstSequence, last: group.firstSequence + group.size - 1 };
  return { groupId: group.id, epoch: group.source.epoch, own, lost };
}
