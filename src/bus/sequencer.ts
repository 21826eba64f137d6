import type { Clock } from "../core/clock.ts";
import type { RangeRow, SourceHead, SourceKey } from "../wal/index.ts";
import type { Verdict } from "./ack-code.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { emptyLedger, type Ledger, openLedger, type Span } from "./ledger.ts";
import type { BusLimits } from "./limits.ts";
import { type SourceLimits, SourceQueue, type Standing } from "./source-queue.ts";
import type { Unit } from "./unit.ts";

type SequencerLimits = SourceLimits & Pick<BusLimits, "epochsMax">;

const free: Standing = { state: "free" };

function sourceId({ agent, epoch }: SourceKey): string {
  return `${epoch}\0${agent}`;
}

/** All sources of verified events, and which of them have something to commit. */
export class Sequencer {
  readonly #limits: SequencerLimits;
  readonly #clock: Clock;
  readonly #sources = new Map<string, SourceQueue>();
  /** Epochs known of each agent. */
  readonly #epochs = new Map<string, number>();
  readonly #ready = new Set<SourceQueue>();
  readonly #blocked = new Set<SourceQueue>();
  /** Sources in the batch that was collected last. */
  readonly #flying = new Set<SourceQueue>();

  constructor(
    limits: SequencerLimits,
    clock: Clock,
    opened: { readonly heads: readonly SourceHead[]; readonly ranges: readonly RangeRow[] },
  ) {
    this.#limits = limits;
    this.#clock = clock;
    const ranges = Map.groupBy(opened.ranges, ({ source }) => sourceId(source));
    for (const head of opened.heads) {
      if (head.source.epoch === "") continue;
      this.#add(head.source, openLedger(head, ranges.get(sourceId(head.source)) ?? [], limits.gapsMax));
    }
  }

  /** Sequences that no record and no declaration accounts for. */
  missing(): number {
    let count = 0;
    for (const source of this.#sources.values()) count += source.missing;
    return count;
  }

  standing(key: SourceKey, sequence: number): Standing {
    return this.#sources.get(sourceId(key))?.standing(sequence) ?? free;
  }

  /** Whether none of a span's sequences is stored, declared or waits. */
  isFresh(key: SourceKey, span: Span): boolean {
    return this.#sources.get(sourceId(key))?.isFresh(span) ?? true;
  }

  /** Takes in a unit whose sequences neither are stored nor wait, or answers why it cannot wait here. */
  offer(unit: Unit): Verdict | undefined {
    const { agent } = unit.source;
    let source = this.#sources.get(sourceId(unit.source));
    if (!source) {
      if ((this.#epochs.get(agent) ?? 0) >= this.#limits.epochsMax) {
        const reason = `${agent} has ${this.#limits.epochsMax} epochs here, as many as it may: none is added`;
        return { code: "rate_limited", reason, hintMs: this.#limits.windowMs };
      }
      source = this.#add(unit.source, emptyLedger);
    }
    this.#ready.add(source);
    return source.offer(unit);
  }

  /** Whether `collect` may find something. */
  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** Puts what can be committed now into a batch, one source after the other until it is full. */
  collect(plan: BatchPlan): void {
    const wallMs = this.#clock.wallMs();
    for (const source of [...this.#ready]) {
      if (plan.isFull) return;
      this.#ready.delete(source);
      this.#flying.add(source);
      if (!source.collect(plan, wallMs)) this.#ready.add(source);
      this.#follow(source);
    }
  }

  /** The batch that was collected last is in the log. */
  commit(): void {
    for (const source of this.#flying) source.commit();
    this.#flying.clear();
  }

  /** The batch that was collected last failed: nothing of it is marked. */
  rollBack(): void {
    for (const source of this.#flying) {
      source.rollBack();
      this.#follow(source);
    }
    this.#flying.clear();
  }

  /** Sends away everything that is not in flight. */
  dismiss(verdict: Verdict): void {
    for (const source of this.#sources.values()) source.dismiss(verdict);
  }

  /** Sends a unit away whose callers are gone. */
  withdraw(unit: Unit): void {
    this.#sources.get(sourceId(unit.source))?.withdraw(unit);
  }

  /** Does what time makes due. */
  tick(): void {
    for (const source of this.#blocked) if (source.tick()) this.#ready.add(source);
  }

  #follow(source: SourceQueue): void {
    if (source.isBlocked) this.#blocked.add(source);
    else this.#blocked.delete(source);
  }

  #add(key: SourceKey, ledger: Ledger): SourceQueue {
    const source = new SourceQueue(key, ledger, this.#limits, this.#clock);
    this.#sources.set(sourceId(key), source);
    this.#epochs.set(key.agent, (this.#epochs.get(key.agent) ?? 0) + 1);
    return source;
  }
}
