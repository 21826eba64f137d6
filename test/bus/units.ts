import type { Verdict } from "../../src/bus/ack-code.ts";
import { BatchPlan } from "../../src/bus/batch-plan.ts";
import type { Gap } from "../../src/bus/gaps.ts";
import { withGap, withoutSpan } from "../../src/bus/gaps.ts";
import { defaultBusLimits } from "../../src/bus/limits.ts";
import { Sequencer, type SourceLog } from "../../src/bus/sequencer.ts";
import { type Pending, Unit } from "../../src/bus/unit.ts";
import type { NewRecord, RangeReason, SourceHead, SourceKey } from "../../src/wal/index.ts";
import type { ManualClock } from "./manual-clock.ts";

export const source: SourceKey = { agent: "agent", epoch: "00000000000000aa" };

/** A log without any source. */
export const emptyLog: SourceLog = { head: () => undefined, newestRanges: () => [], countSequences: () => 0 };

export interface UnitShape {
  readonly first: number;
  readonly size?: number;
  readonly closes?: { readonly first: number; readonly last: number };
  readonly key?: SourceKey;
  readonly prevSig?: Uint8Array;
}

/** The signature that these units carry in place of a real one. */
function sigOf(last: number): Uint8Array {
  return Uint8Array.of(last & 255, last >> 8);
}

/** A unit as admission makes it, of records whose bytes are their sequence. */
export function unitOf({ first, size = 1, closes, key = source, prevSig }: UnitShape): Unit {
  const records = Array.from({ length: size }, (_, i) => {
    const bytes = new TextEncoder().encode(`${key.agent} ${first + i}`);
    return { tsNs: 1n, kind: "flow" as const, form: "leaf" as const, bytes, leaf: bytes };
  });
  return new Unit({
    source: key,
    first,
    records,
    tree: size > 1,
    sig: sigOf(first + size - 1),
    prevSig: prevSig ?? (first === 1 ? new Uint8Array() : sigOf(first - 1)),
    closes: closes ? [closes] : [],
  });
}

/** A log in memory that does what the contract of the real one says, to drive a sequencer step by step. */
export class StepLog {
  readonly records: NewRecord[] = [];
  readonly heads = new Map<string, SourceHead>();
  readonly gaps = new Map<string, readonly Gap[]>();
  readonly findings: string[] = [];
  readonly clock: ManualClock;
  readonly limits = { ...defaultBusLimits };
  /** How often a head was asked for. */
  lookups = 0;
  sequencer: Sequencer;
  #plan: BatchPlan | undefined;

  constructor(clock: ManualClock, limits: Partial<typeof defaultBusLimits> = {}) {
    this.clock = clock;
    Object.assign(this.limits, limits);
    this.sequencer = this.#open();
  }

  /** Collects a batch, which is in flight until it is committed. */
  begin(): BatchPlan {
    if (this.#plan) return this.#plan;
    this.#plan = new BatchPlan(this.limits, this.clock.wallNs());
    this.sequencer.collect(this.#plan);
    return this.#plan;
  }

  /** One commit; answers how many records it had. With `verdict` it fails. */
  commit(verdict?: Verdict): number {
    const plan = this.begin();
    this.#plan = undefined;
    if (verdict) {
      this.sequencer.rollBack();
      this.sequencer.dismiss(verdict);
      plan.settle(verdict);
      return 0;
    }
    this.records.push(...plan.batch.records);
    for (const head of plan.batch.heads) this.heads.set(head.source.agent + head.source.epoch, head);
    for (const { source: key, op, ...gap } of plan.batch.ranges) {
      const id = key.agent + key.epoch;
      const table = this.gaps.get(id) ?? [];
      this.gaps.set(id, op === "add" ? withGap(table, gap) : withoutSpan(table, gap.first, gap.last));
    }
    for (const finding of plan.findings) {
      this.findings.push(finding.type === "gap" ? `gap ${finding.first}-${finding.last}` : `chain ${finding.sequence}`);
    }
    this.sequencer.commit();
    plan.settle({ code: "stored", reason: "" });
    return plan.recordCount;
  }

  /** Commits until nothing is ready. */
  drain(): void {
    while (this.#plan || this.sequencer.hasReady) this.commit();
  }

  /** Opens the log anew: what was not committed is gone. */
  restart(): void {
    this.#plan = undefined;
    this.sequencer = this.#open();
  }

  sequences(key: SourceKey = source): number[] {
    return this.records
      .filter((r) => r.source.agent === key.agent && r.source.epoch === key.epoch)
      .map((r) => r.sequence);
  }

  gapsOf(key: SourceKey = source): string[] {
    return (this.gaps.get(key.agent + key.epoch) ?? []).map(({ first, last, reason }) => `${first}-${last} ${reason}`);
  }

  #open(): Sequencer {
    const gapsOf = (key: SourceKey, reason: RangeReason) =>
      (this.gaps.get(key.agent + key.epoch) ?? []).filter((gap) => gap.reason === reason);
    return new Sequencer(this.limits, this.clock, {
      head: (key) => {
        this.lookups += 1;
        return this.heads.get(key.agent + key.epoch);
      },
      newestRanges: (key, reason, limit) =>
        gapsOf(key, reason)
          .slice(-limit)
          .map((gap) => ({ source: key, ...gap })),
      countSequences: (reason) =>
        [...this.heads.values()]
          .flatMap(({ source: key }) => gapsOf(key, reason))
          .reduce((sum, { first, last }) => sum + last - first + 1, 0),
    });
  }
}

/** What a unit was answered, or undefined while it waits. */
export async function fateOf(unit: Pending): Promise<Verdict["code"] | undefined> {
  const waiting = Symbol("waiting");
  const fate = await Promise.race([unit.done, new Promise((resolve) => setImmediate(() => resolve(waiting)))]);
  return fate === waiting ? undefined : (fate as Verdict).code;
}
