import { SequenceSet } from "../core/sequence-set.ts";
import { type Log, openLogReader, type SourceHead } from "../wal/index.ts";
import type { Notice } from "./commit-plan.ts";

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
    const known = present.get(epoch) ?? new SequenceSet();
    for (const range of log.ranges(head.source)) known.add(range);
    const highest = Math.max(head.highest, known.ranges.at(-1)?.last ?? 0);
    const gone = known.missingIn({ first: 1, last: highest });
    const lost = gone.map((range) => ({ ...range, reason: "damage", startNs: nowNs, endNs: nowNs }));
    if (gone.length > 0) notices.push({ epoch, lost, gone, parked: [] });
    return { ...head, highest };
  });
  return { heads: raised, notices };
}

/** The sequences with a record, by epoch. */
function presentSequences(path: string): Map<string, SequenceSet> {
  const epochs = new Map<string, SequenceSet>();
  const reader = openLogReader(path);
  try {
    let afterId = 0;
    for (;;) {
      const page = reader.records({ afterId, limit: pageRecords });
      for (const { source, sequence } of page) {
        const present = epochs.get(source.epoch) ?? new SequenceSet();
        epochs.set(source.epoch, present);
        present.add({ first: sequence, last: sequence });
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageRecords) return epochs;
      afterId = last.id;
    }
  } finally {
    reader.close();
  }
}
