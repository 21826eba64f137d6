import type { CollectedEvent, RecordKind } from "../core/event.ts";
import { rangeCount, type SequenceRange } from "../core/sequence-set.ts";
import {
  type LeafBody,
  type LeafInput,
  type ParkedFacts,
  type SealedGroup,
  type Signer,
  sealGroup,
  treeLeavesMax,
} from "../envelope/index.ts";
import type { AppendBatch, NewGroup, NewRecord, RangeChange, RangeReason, SourceHead } from "../wal/index.ts";
import type { Loss } from "./loss-tally.ts";
import type { LostRange } from "./sequence-ranges.ts";

/** What the log has to say of one of its epochs. */
export interface Notice {
  readonly epoch: string;
  /** Sequences to declare lost. */
  readonly lost: readonly LostRange[];
  readonly parked: readonly ParkedFacts[];
  /** Sequences that leave the log in this transaction, or are found to be gone. */
  readonly gone: readonly SequenceRange[];
}

/** What one transaction is to make durable. */
export interface CommitInput {
  /** The epoch that events go into. */
  readonly epoch: string;
  /** Where each epoch of this agent stands. */
  readonly heads: ReadonlyMap<string, SourceHead>;
  /** Events lost before they had a sequence: sequences of the current epoch are burnt for them. */
  readonly losses: readonly Loss[];
  readonly notices: readonly Notice[];
  readonly events: readonly CollectedEvent[];
  /** Groups that are dropped in the same transaction. */
  readonly dropGroups: readonly number[];
  readonly nowNs: bigint;
}

/** What a group of a plan holds; loss and parked records may overtake events on their way. */
export type PlannedGroup =
  | { readonly holds: "events" }
  | { readonly holds: "parked" }
  | { readonly holds: "loss"; readonly lost: readonly LostRange[] };

/** A transaction ready to be appended. */
export interface CommitPlan {
  readonly batch: AppendBatch;
  /** Where the epochs that it touches stand after it. */
  readonly heads: readonly SourceHead[];
  /** Describes `batch.groups`, one for one. */
  readonly groups: readonly PlannedGroup[];
}

const kindOfBody: Readonly<Record<LeafBody["kind"], RecordKind>> = {
  flow: "flow",
  process: "process",
  device: "device",
  loss: "loss",
  parked: "parked",
};

function lossBody(range: LostRange): LeafBody {
  const { first, last, reason, startNs, endNs } = range;
  return {
    kind: "loss",
    loss: { firstSequence: first, lastSequence: last, count: rangeCount(range), reason, startNs, endNs },
  };
}

function eventLeaf({ kind, payload, synthetic, tsNs }: CollectedEvent): LeafInput {
  return { tsNs, body: synthetic ? { kind, payload, synthetic } : { kind, payload } };
}

/** Collects the groups, records and ranges of one transaction. */
class BatchWriter {
  readonly groups: NewGroup[] = [];
  readonly planned: PlannedGroup[] = [];
  readonly records: NewRecord[] = [];
  readonly ranges: RangeChange[] = [];
  readonly heads = new Map<string, SourceHead>();
  readonly #input: CommitInput;
  readonly #signer: Signer;

  constructor(input: CommitInput, signer: Signer) {
    this.#input = input;
    this.#signer = signer;
  }

  /** Burns sequences of the current epoch for what was lost before it had any. */
  burn(losses: readonly Loss[]): LostRange[] {
    const head = this.#head(this.#input.epoch);
    let last = head.highest;
    const burnt = losses.map(({ reason, count, startNs, endNs }) => {
      const first = last + 1;
      last += count;
      return { first, last, reason, startNs, endNs };
    });
    this.explain(this.#input.epoch, burnt, "burnt");
    this.heads.set(this.#input.epoch, { ...head, highest: last });
    return burnt;
  }

  explain(epoch: string, ranges: readonly SequenceRange[], reason: RangeReason): void {
    const { source } = this.#head(epoch);
    const sinceMs = Number(this.#input.nowNs / 1_000_000n);
    for (const { first, last } of ranges) this.ranges.push({ source, op: "add", first, last, reason, sinceMs });
  }

  declareLost(epoch: string, lost: readonly LostRange[]): void {
    for (let at = 0; at < lost.length; at += treeLeavesMax) {
      const chunk = lost.slice(at, at + treeLeavesMax);
      this.#seal(epoch, this.#control(chunk.map(lossBody)), { holds: "loss", lost: chunk });
    }
  }

  declareParked(epoch: string, parked: readonly ParkedFacts[]): void {
    for (let at = 0; at < parked.length; at += treeLeavesMax) {
      const chunk = parked.slice(at, at + treeLeavesMax);
      this.#seal(epoch, this.#control(chunk.map((facts) => ({ kind: "parked", parked: facts }))), { holds: "parked" });
    }
  }

  addEvents(events: readonly CollectedEvent[]): void {
    if (events.length > 0) this.#seal(this.#input.epoch, events.map(eventLeaf), { holds: "events" });
  }

  #control(bodies: readonly LeafBody[]): LeafInput[] {
    return bodies.map((body) => ({ tsNs: this.#input.nowNs, body }));
  }

  #head(epoch: string): SourceHead {
    return (
      this.heads.get(epoch) ??
      this.#input.heads.get(epoch) ?? {
        source: { agent: this.#signer.agent, epoch },
        highest: 0,
        lastSig: new Uint8Array(),
      }
    );
  }

  #seal(epoch: string, leaves: readonly LeafInput[], planned: PlannedGroup): void {
    const { source, highest, lastSig } = this.#head(epoch);
    const sealed = sealGroup({ epoch, firstSequence: highest + 1, prevSig: lastSig, leaves }, this.#signer);
    const { firstSequence, sig, prevSig } = sealed;
    const group = this.groups.length;
    this.groups.push({ source, firstSequence, size: leaves.length, sig, prevSig });
    this.planned.push(planned);
    leaves.forEach((leaf, index) => {
      this.records.push(this.#record(sealed, leaf, index, group));
    });
    this.heads.set(epoch, { source, highest: highest + leaves.length, lastSig: sig });
  }

  #record(sealed: SealedGroup, leaf: LeafInput, index: number, group: number): NewRecord {
    return {
      source: { agent: sealed.agent, epoch: sealed.epoch },
      sequence: sealed.firstSequence + index,
      tsNs: leaf.tsNs,
      receivedNs: this.#input.nowNs,
      kind: kindOfBody[leaf.body.kind],
      form: "leaf",
      trust: "verified",
      state: "pending",
      bytes: sealed.leaves[index] as Uint8Array,
      group,
    };
  }
}

/**
 * Seals one transaction: what the log must say of itself (losses, parked records) as groups of their own in front, then
 * the events as one more, each with one signature and chained to the one before in its epoch.
 */
export function planCommit(input: CommitInput, signer: Signer): CommitPlan {
  const writer = new BatchWriter(input, signer);
  writer.declareLost(input.epoch, writer.burn(input.losses));
  for (const { epoch, lost, parked, gone } of input.notices) {
    writer.explain(epoch, gone, "shed");
    writer.declareLost(epoch, lost);
    writer.declareParked(epoch, parked);
  }
  writer.addEvents(input.events);
  const heads = [...writer.heads.values()];
  const { groups, records, ranges, planned } = writer;
  return { batch: { groups, records, heads, ranges, dropGroups: [...input.dropGroups] }, heads, groups: planned };
}
