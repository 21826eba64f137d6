import { bytesEqual } from "../core/bytes.ts";
import type { Clock } from "../core/clock.ts";
import type { SequenceRange } from "../core/sequence-set.ts";
import type { SourceKey } from "../wal/index.ts";
import type { Verdict } from "./ack-code.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { gapAt, gapsWithin } from "./gaps.ts";
import {
  countGaps,
  countMissing,
  emptyLedger,
  giveUp,
  headOf,
  holeEnd,
  isFree,
  isStored,
  type Ledger,
  splitsMissing,
  store,
} from "./ledger.ts";
import type { BusLimits } from "./limits.ts";
import type { Unit } from "./unit.ts";

export type SourceLimits = Pick<BusLimits, "windowRecords" | "windowMs" | "earlyWaitMs" | "gapsMax">;

/**
 * Where a sequence stands: in the log, waiting for it, declared lost or set aside by its agent, or not seen. `old`: in
 * the log, or declared so long ago that only the log's table knows.
 */
export type Standing =
  | { readonly state: "stored" | "old" | "declared" | "free" }
  | { readonly state: "pending"; readonly unit: Unit };

/** What an agent waits before it sends again what came early: meanwhile it may send what is missing. */
const earlyHintMs = 500;

/**
 * The events of one agent and epoch, put into the order of their sequences. Nothing is marked here before the log has
 * it: a batch is worked out on a copy of the ledger, the front, which `commit` makes true.
 */
export class SourceQueue {
  readonly key: SourceKey;
  /** Whether the log has it, or it was let begin. */
  isKnown: boolean;
  readonly #limits: SourceLimits;
  readonly #clock: Clock;
  /** What the log holds. */
  #ledger: Ledger;
  /** What it will hold once the batch in flight is committed. */
  #front: Ledger;
  /** In order of their first sequence. No two units that wait or are in flight share a sequence. */
  #waiting: Unit[] = [];
  /** In the batch that was collected last. */
  #flying: Unit[] = [];
  #flyingLast = 0;
  /** The lowest sequence that came early and was sent away. */
  #sentAwayFirst: number | undefined;
  /** Since when the commit waits for a missing sequence without getting on, milliseconds of the monotonic clock. */
  #blockedSinceMs: number | undefined;

  constructor(key: SourceKey, ledger: Ledger, limits: SourceLimits, clock: Clock) {
    this.key = key;
    this.isKnown = ledger !== emptyLedger;
    this.#ledger = ledger;
    this.#front = ledger;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Whether the commit waits for a missing sequence. */
  get isBlocked(): boolean {
    return this.#blockedSinceMs !== undefined;
  }

  /** Ranges of its gaps. */
  get gapCount(): number {
    return this.#ledger.gaps.length;
  }

  /** Whether it can be made again from the log as it is: nothing waits, nor is in flight, nor comes with time. */
  get isIdle(): boolean {
    if (this.#waiting.length > 0 || this.#front !== this.#ledger) return false;
    return !this.isBlocked || this.#hasGapsMax();
  }

  standing(sequence: number): Standing {
    const unit = this.#holder({ first: sequence, last: sequence });
    if (unit) return { state: "pending", unit };
    if (isStored(this.#ledger, sequence)) {
      return { state: sequence <= this.#ledger.forgottenLast ? "old" : "stored" };
    }
    return { state: gapAt(this.#ledger.gaps, sequence)?.reason === "declared" ? "declared" : "free" };
  }

  /** Whether none of a span's sequences is stored, declared or waits. */
  isFresh(span: SequenceRange): boolean {
    if (this.#holder(span) || !isFree(this.#ledger, span)) return false;
    return gapsWithin(this.#ledger.gaps, span.first, span.last).every(({ reason }) => reason !== "declared");
  }

  /** Takes in a unit whose sequences neither are stored nor wait, or answers why it cannot wait here. */
  offer(unit: Unit): Verdict | undefined {
    const { cursor } = this.#front;
    const near = unit.first <= cursor + 1 || unit.last <= cursor + this.#limits.windowRecords;
    if (!near && (unit.closes.length === 0 || this.#hasGapsMax())) {
      this.#noteSentAway(unit);
      return this.#windowFull();
    }
    if (this.#cutsTooMuch(unit)) {
      const reason = `more than ${this.#limits.gapsMax} ranges of sequences are missing here`;
      return { code: "rate_limited", reason, hintMs: this.#limits.windowMs };
    }
    unit.offeredMs = this.#clock.monotonicMs();
    this.#waiting.splice(this.#lastAtOrBefore(unit.first) + 1, 0, unit);
    return undefined;
  }

  /** Puts what can be committed now into a batch; answers whether all of it found room. */
  collect(plan: BatchPlan, wallMs: number): boolean {
    const before = this.#front;
    this.#giveUpIfDue(plan, wallMs);
    for (let next = this.#nextUnit(); next && !plan.isFull; next = this.#nextUnit()) this.#store(next, plan, wallMs);
    if (this.#front !== before) plan.addHead(headOf(this.key, this.#front));
    if (this.#front.cursor !== before.cursor) this.#blockedSinceMs = undefined;
    this.#watch();
    return this.#nextUnit() === undefined;
  }

  /** The batch in flight is in the log; answers by how many sequences more are missing now. */
  commit(): number {
    const before = this.#ledger;
    this.#ledger = this.#front;
    this.#flying = [];
    this.#flyingLast = 0;
    return before.gaps === this.#ledger.gaps ? 0 : countMissing(this.#ledger) - countMissing(before);
  }

  /** The batch in flight failed: nothing of it is marked. */
  rollBack(): void {
    this.#front = this.#ledger;
    this.#flying = [];
    this.#flyingLast = 0;
    this.#watch();
  }

  /** Sends away everything that is not in flight. */
  dismiss(verdict: Verdict): void {
    for (const unit of this.#waiting) unit.settle(verdict);
    this.#waiting = [];
  }

  /** Sends a unit away whose callers are gone. */
  withdraw(unit: Unit): void {
    if (this.#waiting.includes(unit)) this.#sendAway(unit);
  }

  /** Sends early ones away whose time is over; answers whether the wait for a missing sequence is over too. */
  tick(): boolean {
    const nowMs = this.#clock.monotonicMs();
    for (const unit of this.#waiting.filter(({ first }) => first > this.#front.cursor + 1)) {
      if (nowMs - unit.offeredMs >= this.#limits.earlyWaitMs) this.#sendAway(unit);
    }
    return this.#isDue();
  }

  /** The next one to store: late ones and those in order first, then what explains a gap wherever it stands. */
  #nextUnit(): Unit | undefined {
    const lowest = this.#waiting[0];
    if (!lowest || lowest.first <= this.#front.cursor + 1) return lowest;
    return this.#waiting.find((unit) => unit.closes.length > 0);
  }

  #store(unit: Unit, plan: BatchPlan, wallMs: number): void {
    const { highest, gaps, lastSig } = this.#front;
    const follows = unit.first === highest + 1 && gapAt(gaps, highest) === undefined;
    if (follows && !bytesEqual(unit.prevSig, lastSig)) {
      plan.findings.push({ type: "chain_break", source: this.key, sequence: unit.first });
    }
    const step = store(this.#front, unit, wallMs, this.#limits.gapsMax);
    this.#front = step.ledger;
    plan.addChanges(this.key, step.changes);
    plan.addUnit(unit);
    this.#waiting.splice(this.#waiting.indexOf(unit), 1);
    this.#flying.push(unit);
    this.#flyingLast = Math.max(this.#flyingLast, unit.last);
  }

  #giveUpIfDue(plan: BatchPlan, wallMs: number): void {
    if (!this.#isDue()) return;
    const first = this.#front.cursor + 1;
    const early = this.#waiting[0]?.first ?? Number.POSITIVE_INFINITY;
    const sentAway = this.#sentAwayFirst ?? Number.POSITIVE_INFINITY;
    const last = Math.min(holeEnd(this.#front) ?? Number.POSITIVE_INFINITY, early - 1, sentAway - 1);
    if (last < first || !Number.isFinite(last)) return;
    const step = giveUp(this.#front, last, wallMs);
    this.#front = step.ledger;
    plan.addChanges(this.key, step.changes);
    plan.findings.push({ type: "gap", source: this.key, first, last });
  }

  #isDue(): boolean {
    if (this.#blockedSinceMs === undefined) return false;
    if (this.#clock.monotonicMs() - this.#blockedSinceMs < this.#limits.windowMs) return false;
    return !this.#hasGapsMax();
  }

  /** Whether so many ranges are missing that no more may come. What was declared is explained and does not count. */
  #hasGapsMax(): boolean {
    return countGaps(this.#front, "missing") >= this.#limits.gapsMax;
  }

  /** Whether a unit would cut what is missing into more pieces than there may be. */
  #cutsTooMuch(unit: Unit): boolean {
    const splits = [unit, ...unit.closes].some((span) => splitsMissing(this.#front, span));
    if (!splits || !this.#hasGapsMax()) return false;
    const { ledger } = store(this.#front, unit, 0, this.#limits.gapsMax);
    return countGaps(ledger, "missing") > countGaps(this.#front, "missing");
  }

  /** Starts or stops the clock of the missing sequence behind the cursor. */
  #watch(): void {
    const { cursor, highest } = this.#front;
    if (this.#sentAwayFirst !== undefined && this.#sentAwayFirst <= cursor + 1) this.#sentAwayFirst = undefined;
    const lowest = this.#waiting[0];
    const inOrder = lowest !== undefined && lowest.first <= cursor + 1;
    const blocked = !inOrder && (lowest !== undefined || this.#sentAwayFirst !== undefined || cursor < highest);
    if (blocked) this.#blockedSinceMs ??= this.#clock.monotonicMs();
    else this.#blockedSinceMs = undefined;
  }

  #sendAway(unit: Unit): void {
    this.#waiting = this.#waiting.filter((one) => one !== unit);
    this.#noteSentAway(unit);
    unit.settle(this.#windowFull());
  }

  #noteSentAway({ first }: Unit): void {
    this.#sentAwayFirst = Math.min(first, this.#sentAwayFirst ?? first);
  }

  #windowFull(): Verdict {
    return {
      code: "window_full",
      reason: `sequence ${this.#front.cursor + 1} is waited for first`,
      hintMs: earlyHintMs,
    };
  }

  /** The unit, waiting or in flight, that holds one of a span's sequences. */
  #holder(span: SequenceRange): Unit | undefined {
    const before = this.#waiting[this.#lastAtOrBefore(span.last)];
    if (before && before.last >= span.first) return before;
    if (span.first > this.#flyingLast) return undefined;
    return this.#flying.find(({ first, last }) => first <= span.last && last >= span.first);
  }

  /** Index of the last waiting unit that begins at or before a sequence; -1 where none does. */
  #lastAtOrBefore(sequence: number): number {
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#waiting[middle] as Unit).first <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
