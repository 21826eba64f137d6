import type { NewGroup, NewRecord, SourceKey } from "./record.ts";

/** Why sequences of a source have no record here. */
export type RangeReason = "missing" | "settled" | "shed" | "burnt" | "declared" | "forked";

/** Adds sequences to those explained by a reason, or takes them away; both ends belong to it. */
export interface RangeChange {
  readonly source: SourceKey;
  readonly op: "add" | "remove";
  readonly first: number;
  readonly last: number;
  readonly reason: RangeReason;
  /** Since when, milliseconds since the Unix epoch; ranges that merge keep the earlier one. */
  readonly sinceMs: number;
}

/** Sequences without a record here. Ranges of one source and reason neither overlap nor touch. */
export type RangeRow = Omit<RangeChange, "op">;

/** How far a source has come. */
export interface SourceHead {
  readonly source: SourceKey;
  /** The highest sequence committed; 0: none. */
  readonly highest: number;
  /** The signature that the next one has to name as the one before; empty: none. */
  readonly lastSig: Uint8Array;
}

/** What one transaction appends and changes; all of it or nothing. */
export interface AppendBatch {
  readonly groups: readonly NewGroup[];
  readonly records: readonly NewRecord[];
  /** Replace the heads of these sources. */
  readonly heads: readonly SourceHead[];
  /** Applied in this order. */
  readonly ranges: readonly RangeChange[];
  /** Groups to drop with all their records, pending ones too: what is shed. The ranges say so in the same batch. */
  readonly dropGroups?: readonly number[] | undefined;
}

export interface AppendResult {
  /** Id of the first record; the others follow without a gap. Without records: the id that the next one will get. */
  readonly firstId: number;
  /** Ids of the groups, in the order of the batch. */
  readonly groupIds: number[];
  /** Leaves of the log's own Merkle tree, that is, records ever appended. */
  readonly size: number;
}
