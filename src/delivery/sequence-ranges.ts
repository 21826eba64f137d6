import type { SequenceRange } from "../core/sequence-set.ts";

/** A range that is declared lost, with the stamps of its first and last event. */
export interface LostRange extends SequenceRange {
  readonly reason: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** The smaller of two stamps. */
export function earlier(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** The larger of two stamps. */
export function later(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** The ranges in ascending order; those of one reason that overlap or meet become one. */
export function mergeLostRanges(ranges: readonly LostRange[]): LostRange[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const merged: LostRange[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1 || range.reason !== before.reason) {
      merged.push(range);
      continue;
    }
    merged[merged.length - 1] = {
      first: before.first,
      last: Math.max(before.last, range.last),
      reason: before.reason,
      startNs: earlier(before.startNs, range.startNs),
      endNs: later(before.endNs, range.endNs),
    };
  }
  return merged;
}

/** The ranges in ascending order; all that overlap or meet become one, for `reason` where theirs differ. */
export function coalesceLostRanges(ranges: readonly LostRange[], reason: string): LostRange[] {
  const merged: LostRange[] = [];
  for (const range of mergeLostRanges(ranges)) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1) merged.push(range);
    else
      merged.splice(
        -1,
        1,
        ...mergeLostRanges([
          { ...before, reason },
          { ...range, reason },
        ]),
      );
  }
  return merged;
}
