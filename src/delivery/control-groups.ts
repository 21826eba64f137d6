import { type Log, openLogReader } from "../wal/index.ts";
import { type LossGroup, readLossGroup } from "./loss-groups.ts";

const pageRecords = 256;

/** Groups of loss and of parked records that wait in a log. */
export interface ControlGroups {
  readonly lossGroups: readonly LossGroup[];
  readonly parkedGroupIds: readonly number[];
}

/** Finds what an earlier run had to say of itself and could not deliver. */
export function findControlGroups(log: Log): ControlGroups {
  const groupIds = log.stats().pending === 0 ? [] : pendingControlGroupIds(log.path);
  const lossGroups: LossGroup[] = [];
  const parkedGroupIds: number[] = [];
  for (const id of groupIds) {
    const group = log.nextGroup(id - 1);
    if (group?.id !== id) continue;
    const lossGroup = readLossGroup(group);
    if (lossGroup) lossGroups.push(lossGroup);
    else parkedGroupIds.push(id);
  }
  return { lossGroups, parkedGroupIds };
}

function pendingControlGroupIds(path: string): Set<number> {
  const ids = new Set<number>();
  const reader = openLogReader(path);
  try {
    let afterId = 0;
    for (;;) {
      const page = reader.records({ afterId, kinds: ["loss", "parked"], states: ["pending"], limit: pageRecords });
      for (const { groupId } of page) if (groupId !== undefined) ids.add(groupId);
      const last = page.at(-1);
      if (last === undefined || page.length < pageRecords) return ids;
      afterId = last.id;
    }
  } finally {
    reader.close();
  }
}
