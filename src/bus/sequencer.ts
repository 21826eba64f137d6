import type { Clock } from "../core/clock.ts";
import type { SequenceRange } from "../core/sequence-set.ts";
import type { LogReader, SourceKey } from "../wal/index.ts";
import type { Verdict } from "./ack-code.ts";
import { AgentEpochs, type EpochLimits } from "./agent-epochs.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { emptyLedger, openLedger } from "./ledger.ts";
import { type SourceLimits, SourceQueue, type Standing } from "./source-queue.ts";
import type { Unit } from "./unit.ts";

/** What the log is asked for an epoch that is not held in memory. */
export type SourceLog = Pick<LogReader, "head" | "newestRanges" | "countSequences">;

/** All sources of verified events, and which of them have something to commit. */
export class Sequencer {
  readonly #limits: SourceLimits & EpochLimits;
  readonly #clock: Clock;
  readonly #log: SourceLog;
  readonly #agents = new Map<string, AgentEpochs>();
  readonly #ready = new Set<SourceQueue>();
  readonly #blocked = new Set<SourceQueue>();
  /** Sources in the batch that was collected last. */
  readonly #flying = new Set<SourceQueue>();
  /** Agents choose their sequences: all of them together may be missing more than a number can count. */
  #missing: bigint;

  constructor(limits: SourceLimits & EpochLimits, clock: Clock, log: SourceLog) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#missing = BigInt(log.countSequences("missing"));
  }

  /** Sequences that no record and no declaration accounts for, of all sources of the log. */
  missing(): number {
    return Number(this.#missing);
  }

  /** Epochs held in memory. */
  held(): number {
    let count = 0;
    for (const epochs of this.#agents.values()) count += epochs.count;
    return count;
  }

  standing(key: SourceKey, sequence: number): Standing {
    return this.#use(key).standing(sequence);
  }

  /** Whether none of a span's sequences is stored, declared or waits. */
  isFresh(key: SourceKey, span: SequenceRange): boolean {
    return this.#use(key).isFresh(span);
  }

  /** Takes in a unit whose sequences neither are stored nor wait, or answers why it cannot wait here. */
  offer(unit: Unit): Verdict | undefined {
    const source = this.#use(unit.source);
    const refusal = this.#epochsOf(unit.source.agent).refusal(source, this.#clock.monotonicMs());
    if (refusal) return refusal;
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
    for (const source of this.#flying) {
      const before = source.gapCount;
      this.#missing += BigInt(source.commit());
      if (source.gapCount === before) continue;
      const epochs = this.#epochsOf(source.key.agent);
      epochs.addGaps(source.gapCount - before);
      this.#trim(epochs, source);
    }
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
    for (const { sources } of this.#agents.values()) for (const source of sources) source.dismiss(verdict);
  }

  /** Sends a unit away whose callers are gone. */
  withdraw(unit: Unit): void {
    this.#agents.get(unit.source.agent)?.find(unit.source.epoch)?.withdraw(unit);
  }

  /** Does what time makes due. */
  tick(): void {
    for (const source of this.#blocked) if (source.tick()) this.#ready.add(source);
  }

  #follow(source: SourceQueue): void {
    if (source.isBlocked) this.#blocked.add(source);
    else this.#blocked.delete(source);
  }

  /** A source as it is held in memory, from the log where it was not. */
  #use(key: SourceKey): SourceQueue {
    const epochs = this.#epochsOf(key.agent);
    const source = epochs.find(key.epoch) ?? this.#open(key);
    epochs.use(source);
    this.#trim(epochs, source);
    return source;
  }

  #open(key: SourceKey): SourceQueue {
    const head = this.#log.head(key);
    if (!head) return new SourceQueue(key, emptyLedger, this.#limits, this.#clock);
    const { gapsMax } = this.#limits;
    const missing = this.#log.newestRanges(key, "missing", Number.MAX_SAFE_INTEGER);
    // one more than is kept says up to where they are not known
    const declared = this.#log.newestRanges(key, "declared", gapsMax + 1);
    const ledger = openLedger(head, [...missing, ...declared], gapsMax);
    return new SourceQueue(key, ledger, this.#limits, this.#clock);
  }

  #trim(epochs: AgentEpochs, kept: SourceQueue): void {
    for (const source of epochs.trim(kept)) {
      this.#ready.delete(source);
      this.#blocked.delete(source);
      this.#flying.delete(source);
    }
  }

  #epochsOf(agent: string): AgentEpochs {
    const known = this.#agents.get(agent);
    if (known) return known;
    const epochs = new AgentEpochs(this.#limits, this.#clock.monotonicMs());
    this.#agents.set(agent, epochs);
    return epochs;
  }
}
