import { type Log, openLogReader, type SourceHead } from "../wal/index.ts";
import type { Notice } from "./commit-plan.ts";
import type { SequenceRange } from "./sequence-ranges.ts";

const pageRecords = 512;

/** What a salvaged log is known to have come to, and what has to be said about it. */
export interface Damage {
  /** The heads, raised where a record or a range is above: what was salvaged of them may be older. */
  readonly heads: readonly SourceHead[];
  readonly notices: readonly Notice[];
}

/**
 * What is missing from a log that was salvaged, to be declared lost: every sequence up to the last one known that has
 * neither a record nor a range that explains it. The bus may hold some of them; there a record counts more than its
 * loss.
 */
export function findDamage(log: Log, heads: readonly SourceHead[], nowNs: bigint): Damage {
  const present = presentSequences(log.path);
  const notices: Notice[] = [];
  const raised = heads.map((head) => {
    const { epoch } = head.source;
    const known = [...(present.get(epoch) ?? []), ...log.ranges(head.source)];
    const highest = known.reduce((most, { last }) => Math.max(most, last), head.highest);
    const gone = gaps(known, highest);
    const lost = gone.map((range) => ({ ...range, reason: "damage", startNs: nowNs, endNs: nowNs }));
    if (gone.length > 0) notices.push({ epoch, lost, gone, parked: [] });
    return { ...head, highest };
  });
  return { heads: raised, notices };
}

/** The sequences from 1 to `highest` that no range holds; no range ends above it. */
export function gaps(ranges: readonly SequenceRange[], highest: number): SequenceRange[] {
  const found: SequenceRange[] = [];
  let next = 1;
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    if (first > next) found.push({ first: next, last: first - 1 });
    next = Math.max(next, last + 1);
  }
  if (next <= highest) found.push({ first: next, last: highest });
  return found;
}

/** The sequences with a record, by epoch; runs of them are one range. */
function presentSequences(path: string): Map<string, SequenceRange[]> {
  const epochs = new Map<string, SequenceRange[]>();
  const reader = openLogReader(path);
  try {
    let afterId = 0;
    for (;;) {
      const page = reader.records({ afterId, limit: pageRecords });
      for (const { source, sequence } of page) {
        const ranges = epochs.get(source.epoch) ?? [];
        epochs.set(source.epoch, ranges);
        const before = ranges.at(-1);
        if (before && before.last + 1 === sequence) ranges.splice(-1, 1, { first: before.first, last: sequence });
        else ranges.push({ first: sequence, last: sequence });
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageRecords) return epochs;
      afterId = last.id;
    }
  } finally {
    reader.close();
  }
}
