import { bytesEqual } from "../core/bytes.ts";
import { rangeCount, type SequenceRange, SequenceSet } from "../core/sequence-set.ts";
import type { LossFacts, ParkedFacts } from "../envelope/index.ts";
import type { RangeReason, RangeRow, SourceHead, SourceKey } from "../wal/index.ts";
import { rangeTexts } from "./render-range.ts";
import { type ChainLink, type ChainSegment, follows, SourceChain } from "./wal-verify-chain.ts";
import type { Findings } from "./wal-verify-findings.ts";

/** Sequences without a record, by why. */
export type ExplainedCounts = Readonly<Partial<Record<RangeReason, number>>>;

/** How far the records of one agent and epoch account for all that it produced. */
export interface SourceSummary {
  readonly agent: string;
  readonly epoch: string;
  /** The last sequence that the log knows of: all that the agent produced. */
  readonly produced: number;
  readonly stored: number;
  readonly explained: ExplainedCounts;
  /** Records whose signature before is not in the log, because what carried it has left. */
  readonly unlinked: number;
}

/** Reasons that a signed record of the same source has to say. */
const declaredReasons: ReadonlySet<RangeReason> = new Set(["shed", "burnt", "declared"]);
/** Reasons that leave room for a record at the same sequence. */
const openReasons: ReadonlySet<RangeReason> = new Set(["forked"]);

/** Holds the records of one source against each other, its head and its ranges. */
export class SourceCheck {
  readonly #source: SourceKey;
  readonly #findings: Findings;
  readonly #chain = new SourceChain();
  /** What its loss and parked records say. */
  readonly #said = new SequenceSet();
  /** Records that are there, but bad: they are no gap besides. */
  readonly #bad = new SequenceSet();

  constructor(source: SourceKey, findings: Findings) {
    this.#source = source;
    this.#findings = findings;
  }

  /** A record whose bytes are what the log says they are. */
  add(link: ChainLink, said: { readonly loss: LossFacts | undefined; readonly parked: ParkedFacts | undefined }): void {
    for (const fault of this.#chain.add(link)) {
      const { sequence } = fault.link;
      if (fault.kind === "repeated") this.#find("repeated", fault.link.id, sequence, "this sequence is there twice");
      else this.#find("chain", fault.link.id, sequence, "prev_sig is not the signature in front of it");
    }
    if (said.loss) this.#said.add({ first: said.loss.firstSequence, last: said.loss.lastSequence });
    if (said.parked) this.#said.add({ first: said.parked.sequence, last: said.parked.sequence });
  }

  /** A record that is there, but bad. */
  skip(sequence: number): void {
    if (sequence >= 1) this.#bad.add({ first: sequence, last: sequence });
  }

  /**
   * Looks at the source as a whole. `ranges` are those of the moment the walk began; `later` those of its end: a log in
   * use may have explained more meanwhile.
   */
  finish(head: SourceHead | undefined, ranges: readonly RangeRow[], later: readonly RangeRow[]): SourceSummary {
    const { segments } = this.#chain;
    const explained = new SequenceSet();
    for (const range of [...ranges, ...later, ...this.#bad.ranges]) explained.add(range);
    this.#checkHead(head);
    this.#checkGaps(head?.highest ?? 0, explained);
    this.#checkRanges(ranges, later);
    const counts: Partial<Record<RangeReason, number>> = {};
    for (const range of ranges) counts[range.reason] = (counts[range.reason] ?? 0) + rangeCount(range);
    return {
      ...this.#source,
      produced: head?.highest ?? 0,
      stored: segments.reduce((sum, { first, last }) => sum + last.sequence - first.sequence + 1, 0),
      explained: counts,
      unlinked: this.#countUnlinked(ranges),
    };
  }

  #checkHead(head: SourceHead | undefined): void {
    const last = this.#chain.segments.at(-1)?.last;
    if (!last) return;
    if (!head) {
      this.#find("head", last.id, last.sequence, "the table of heads does not know this source");
    } else if (last.sequence > head.highest) {
      this.#find("head", last.id, last.sequence, `the table of heads ends at ${head.highest}`);
    } else if (last.sequence === head.highest && !bytesEqual(last.sig, head.lastSig)) {
      this.#find("head", last.id, last.sequence, "the table of heads names another last signature");
    }
  }

  #checkGaps(highest: number, explained: SequenceSet): void {
    let next = 1;
    for (const { first, last } of this.#chain.segments) {
      this.#findGaps({ first: next, last: first.sequence - 1 }, explained, first.id);
      next = last.sequence + 1;
    }
    this.#findGaps({ first: next, last: highest }, explained, undefined);
  }

  #findGaps(span: SequenceRange, explained: SequenceSet, idBehind: number | undefined): void {
    if (span.last < span.first) return;
    for (const { first, last } of explained.missingIn(span)) {
      const what = first === last ? `sequence ${first} is` : `sequences ${first} to ${last} are`;
      const where = idBehind === undefined ? `, the table of heads ends at ${span.last}` : "";
      this.#find("gap", idBehind, first, `${what} missing: neither there nor declared lost${where}`);
    }
  }

  #checkRanges(ranges: readonly RangeRow[], later: readonly RangeRow[]): void {
    const still = new SequenceSet();
    for (const range of later) still.add(range);
    for (const range of ranges) {
      if (openReasons.has(range.reason) || still.missingIn(range).length > 0) continue;
      for (const { first, last } of this.#chain.segments) {
        if (last.sequence < range.first || first.sequence > range.last) continue;
        const sequence = Math.max(first.sequence, range.first);
        this.#find(
          "range",
          this.#idBehind(range.last),
          sequence,
          `the table of ranges says "${rangeTexts[range.reason]}", but the record is there`,
        );
      }
    }
    // what was said by a record that has been delivered and left can be proven by the bus's log alone
    if (ranges.some(({ reason }) => reason === "settled")) return;
    for (const range of ranges) {
      if (!declaredReasons.has(range.reason)) continue;
      for (const { first } of this.#said.missingIn(range)) {
        this.#find(
          "range",
          this.#idBehind(range.last),
          first,
          `no loss or parked record says that this is "${rangeTexts[range.reason]}"`,
        );
      }
    }
  }

  /** The first record known behind a sequence. */
  #idBehind(sequence: number): number | undefined {
    return this.#chain.segments.find(({ first }) => first.sequence > sequence)?.first.id;
  }

  /** Segments that begin behind a hole do not name the signature in front of it, unless nothing in it was signed. */
  #countUnlinked(ranges: readonly RangeRow[]): number {
    const burnt = new SequenceSet();
    for (const range of ranges) if (range.reason === "burnt") burnt.add(range);
    let unlinked = 0;
    let before: ChainSegment | undefined;
    for (const segment of this.#chain.segments) {
      const { first } = segment;
      const hole = { first: (before?.last.sequence ?? 0) + 1, last: first.sequence - 1 };
      const unsigned = burnt.missingIn(hole).length === 0;
      const linked = before ? follows(before.last, first) : first.prevSig.length === 0;
      if (unsigned && !linked) {
        this.#find("chain", first.id, first.sequence, "prev_sig is not the signature in front of it");
      } else if (!linked) {
        unlinked += 1;
      }
      before = segment;
    }
    return unlinked;
  }

  #find(
    kind: "repeated" | "chain" | "head" | "gap" | "range",
    id: number | undefined,
    sequence: number,
    detail: string,
  ) {
    this.#findings.add({ kind, id, ...this.#source, sequence, detail });
  }
}
