import type { RangeChange, RangeReason, SourceHead, SourceKey } from "../wal/index.ts";
import { type Gap, gapAt, gapIndexAt, gapsWithin, withGap, withoutSpan } from "./gaps.ts";

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
}

export const emptyLedger: Ledger = { cursor: 0, highest: 0, lastSig: new Uint8Array(), gaps: [] };

/** Sequences in a row that are stored together. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** A change of a ledger and what the log's transaction has to write for it. */
export interface LedgerStep {
  readonly ledger: Ledger;
  readonly changes: readonly Omit<RangeChange, "source">[];
}

/** Reasons for which a sequence may still come; for the others its record was here once. */
const openReasons: ReadonlySet<RangeReason> = new Set(["missing", "declared"]);

/** The ledger as a log keeps it. What was waited for before a restart counts as a gap that may still be filled. */
export function openLedger(head: SourceHead, ranges: readonly Gap[]): Ledger {
  const sorted = ranges.filter(({ reason }) => openReasons.has(reason)).sort((a, b) => a.first - b.first);
  return { cursor: head.highest, highest: head.highest, lastSig: head.lastSig, gaps: sorted };
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
export function isFree(ledger: Ledger, { first, last }: Span): boolean {
  let next = first;
  for (let i = gapIndexAt(ledger.gaps, first); next <= last && next <= ledger.highest; i += 1) {
    const gap = ledger.gaps[i];
    if (!gap || gap.first > next) return false;
    next = gap.last + 1;
  }
  return true;
}

/** Stores a span that is free, and closes the gaps that its loss and parked records explain. */
export function store(
  ledger: Ledger,
  span: Span & { readonly sig: Uint8Array; readonly closes: readonly Span[] },
  nowMs: number,
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
  return { ledger: advance({ cursor, highest, lastSig, gaps }), changes };
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
  for (let i = gapIndexAt(ledger.gaps, ledger.cursor + 1); i < ledger.gaps.length; i += 1) {
    const gap = ledger.gaps[i] as Gap;
    if (gap.reason === "missing") return { ...ledger, cursor: Math.max(ledger.cursor, gap.first - 1) };
  }
  return { ...ledger, cursor: ledger.highest };
}
