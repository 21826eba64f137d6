import { rangeCount, rangeIndexAt, type SequenceRange } from "../core/sequence-set.ts";
import type { RangeChange, RangeReason, SourceHead, SourceKey } from "../wal/index.ts";
import { type Gap, gapAt, gapsWithin, withGap, withoutSpan } from "./gaps.ts";

/**
 * Which sequences of one source are stored. Never changed in place: a commit that fails leaves the old one in force.
 * Every sequence up to `highest` is stored or lies in a gap. Order is kept above `cursor`: either `cursor` is `highest`
 * or the sequence behind it is missing and is waited for.
 */
export interface Ledger {
  readonly cursor: number;
  readonly highest: number;
  readonly lastSig: Uint8Array;
  readonly gaps: readonly Gap[];
  /** Up to here gaps that were declared are not all known any more; the log's table has them. */
  readonly forgottenLast: number;
}

export const emptyLedger: Ledger = { cursor: 0, highest: 0, lastSig: new Uint8Array(), gaps: [], forgottenLast: 0 };

/** A change of a ledger and what the log's transaction has to write for it. */
export interface LedgerStep {
  readonly ledger: Ledger;
  readonly changes: readonly Omit<RangeChange, "source">[];
}

/** Reasons for which a sequence may still come; for the others its record was here once. */
const openReasons: ReadonlySet<RangeReason> = new Set(["missing", "declared"]);

/** The ledger as a log keeps it. What was waited for before a restart counts as a gap that may still be filled. */
export function openLedger(head: SourceHead, ranges: readonly Gap[], declaredMax: number): Ledger {
  const { highest, lastSig } = head;
  const gaps = ranges.filter(({ reason }) => openReasons.has(reason)).sort((a, b) => a.first - b.first);
  return forgetDeclared({ cursor: highest, highest, lastSig, gaps, forgottenLast: 0 }, declaredMax);
}

/** The ledger with no more than `declaredMax` declared gaps: without the oldest. Their number grows for ever. */
function forgetDeclared(ledger: Ledger, declaredMax: number): Ledger {
  let excess = ledger.gaps.length > declaredMax ? countGaps(ledger, "declared") - declaredMax : 0;
  if (excess <= 0) return ledger;
  let { forgottenLast } = ledger;
  const gaps = ledger.gaps.filter(({ reason, last }) => {
    if (reason !== "declared" || excess === 0) return true;
    excess -= 1;
    forgottenLast = Math.max(forgottenLast, last);
    return false;
  });
  return { ...ledger, gaps, forgottenLast };
}

/** How many gaps there are for a reason. */
export function countGaps({ gaps }: Ledger, reason: RangeReason): number {
  let count = 0;
  for (const gap of gaps) if (gap.reason === reason) count += 1;
  return count;
}

/** How many sequences no record and no declaration accounts for. */
export function countMissing({ gaps }: Ledger): number {
  let count = 0;
  for (const gap of gaps) if (gap.reason === "missing") count += rangeCount(gap);
  return count;
}

/** Whether a span would leave a missing one in two pieces. */
export function splitsMissing({ gaps }: Ledger, { first, last }: SequenceRange): boolean {
  const before = gapAt(gaps, first);
  const after = gapAt(gaps, last);
  const cuts = (gap: Gap | undefined) => gap?.reason === "missing";
  return cuts(before) && cuts(after) && before?.first !== first && after?.last !== last;
}

/** The head that belongs to a ledger. */
export function headOf(source: SourceKey, ledger: Ledger): SourceHead {
  return { source, highest: ledger.highest, lastSig: ledger.lastSig };
}

/** Whether a sequence was stored, be it that its record is compacted by now. */
export function isStored(ledger: Ledger, sequence: number): boolean {
  return sequence <= ledger.highest && gapAt(ledger.gaps, sequence) === undefined;
}

/** Whether no sequence of a span is stored. */
export function isFree(ledger: Ledger, { first, last }: SequenceRange): boolean {
  let next = first;
  for (let i = rangeIndexAt(ledger.gaps, first); next <= last && next <= ledger.highest; i += 1) {
    const gap = ledger.gaps[i];
    if (!gap || gap.first > next) return false;
    next = gap.last + 1;
  }
  return true;
}

/**
 * Stores a span that is free, and closes the gaps that its loss and parked records explain; `declaredMax` of those
 * stay known here.
 */
export function store(
  ledger: Ledger,
  span: SequenceRange & { readonly sig: Uint8Array; readonly closes: readonly SequenceRange[] },
  nowMs: number,
  declaredMax: number,
): LedgerStep {
  const changes: Omit<RangeChange, "source">[] = [];
  let { gaps } = ledger;
  for (const gap of gapsWithin(gaps, span.first, span.last)) changes.push({ op: "remove", ...gap });
  gaps = withoutSpan(gaps, span.first, span.last);
  if (span.first > ledger.highest + 1) {
    const hole = { first: ledger.highest + 1, last: span.first - 1, reason: "missing" as RangeReason, sinceMs: nowMs };
    changes.push({ op: "add", ...hole });
    gaps = withGap(gaps, hole);
  }
  for (const { first, last } of span.closes) {
    for (const gap of gapsWithin(gaps, first, last)) {
      if (gap.reason === "declared") continue;
      const closed: Gap = { ...gap, reason: "declared", sinceMs: nowMs };
      changes.push({ op: "remove", ...gap }, { op: "add", ...closed });
      gaps = withGap(withoutSpan(gaps, gap.first, gap.last), closed);
    }
  }
  const highest = Math.max(ledger.highest, span.last);
  const lastSig = span.last >= ledger.highest ? span.sig : ledger.lastSig;
  const cursor = span.first <= ledger.cursor + 1 ? Math.max(ledger.cursor, span.last) : ledger.cursor;
  const stored = { ...ledger, cursor, highest, lastSig, gaps };
  return { ledger: advance(gaps === ledger.gaps ? stored : forgetDeclared(stored, declaredMax)), changes };
}

/** Waits no longer for what is missing behind the cursor, up to `last`. */
export function giveUp(ledger: Ledger, last: number, nowMs: number): LedgerStep {
  const changes: Omit<RangeChange, "source">[] = [];
  let { gaps } = ledger;
  if (last > ledger.highest) {
    const hole: Gap = { first: ledger.highest + 1, last, reason: "missing", sinceMs: nowMs };
    changes.push({ op: "add", ...hole });
    gaps = withGap(gaps, hole);
  }
  const cursor = Math.max(ledger.cursor, last);
  return { ledger: advance({ ...ledger, cursor, highest: Math.max(ledger.highest, last), gaps }), changes };
}

/** Where the hole behind the cursor ends, as far as the ledger knows; undefined where nothing is waited for. */
export function holeEnd(ledger: Ledger): number | undefined {
  return ledger.cursor < ledger.highest ? gapAt(ledger.gaps, ledger.cursor + 1)?.last : undefined;
}

/** Moves the cursor over what is stored or explained. */
function advance(ledger: Ledger): Ledger {
  for (let i = rangeIndexAt(ledger.gaps, ledger.cursor + 1); i < ledger.gaps.length; i += 1) {
    const gap = ledger.gaps[i] as Gap;
    if (gap.reason === "missing") return { ...ledger, cursor: Math.max(ledger.cursor, gap.first - 1) };
  }
  return { ...ledger, cursor: ledger.highest };
}
