import { rangeIndexAt, type SequenceRange } from "../core/sequence-set.ts";
import type { RangeReason } from "../wal/index.ts";

/** Sequences of a source that are not stored, and why. */
export interface Gap extends SequenceRange {
  readonly reason: RangeReason;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
}

/** The gap that a sequence lies in. */
export function gapAt(gaps: readonly Gap[], sequence: number): Gap | undefined {
  const gap = gaps[rangeIndexAt(gaps, sequence)];
  return gap && gap.first <= sequence ? gap : undefined;
}

/** The parts of the gaps that lie in a span, each cut to it. */
export function gapsWithin(gaps: readonly Gap[], first: number, last: number): Gap[] {
  const found: Gap[] = [];
  for (let i = rangeIndexAt(gaps, first); i < gaps.length; i += 1) {
    const gap = gaps[i] as Gap;
    if (gap.first > last) break;
    found.push({ ...gap, first: Math.max(gap.first, first), last: Math.min(gap.last, last) });
  }
  return found;
}

/** The gaps without the sequences of a span. */
export function withoutSpan(gaps: readonly Gap[], first: number, last: number): readonly Gap[] {
  const from = rangeIndexAt(gaps, first);
  let to = from;
  const rest: Gap[] = [];
  for (; to < gaps.length; to += 1) {
    const gap = gaps[to] as Gap;
    if (gap.first > last) break;
    if (gap.first < first) rest.push({ ...gap, last: first - 1 });
    if (gap.last > last) rest.push({ ...gap, first: last + 1 });
  }
  if (from === to) return gaps;
  return [...gaps.slice(0, from), ...rest, ...gaps.slice(to)];
}

/** The gaps with one more, which overlaps none of them; it joins neighbours of its reason, as the log's table does. */
export function withGap(gaps: readonly Gap[], added: Gap): readonly Gap[] {
  let from = rangeIndexAt(gaps, added.first - 1);
  let to = from;
  let joined = added;
  const before = gaps[from];
  if (before && before.last === added.first - 1) {
    if (before.reason === added.reason)
      joined = { ...before, last: added.last, sinceMs: Math.min(before.sinceMs, added.sinceMs) };
    else from += 1;
    to += 1;
  }
  const after = gaps[to];
  if (after && after.first === joined.last + 1 && after.reason === joined.reason) {
    joined = { ...joined, last: after.last, sinceMs: Math.min(joined.sinceMs, after.sinceMs) };
    to += 1;
  }
  return [...gaps.slice(0, from), joined, ...gaps.slice(to)];
}
