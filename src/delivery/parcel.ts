import { AmoskysError } from "../core/errors.ts";
import { scanUniversal, standaloneEnvelope } from "../envelope/index.ts";
import type { StoredGroup, StoredRecord } from "../wal/index.ts";

/** One record on its way, and the group that its signature covers. */
export interface ParcelItem {
  readonly group: StoredGroup;
  readonly record: StoredRecord;
}

/** The leaf bytes of a record of an agent's log; a parked one is kept as the envelope that stands alone. */
export function leafOf(record: StoredRecord): Uint8Array {
  if (record.form === "leaf") return record.bytes;
  const scan = scanUniversal(record.bytes);
  if (!scan.ok) {
    throw new AmoskysError("log_corrupt", `Record ${record.id} of the log cannot be read: ${scan.reason}`, {
      hint: "amoskys wal verify PATH",
    });
  }
  return scan.facts.leafBytes();
}

/** All leaf bytes of a group in order of sequence, also of records that are settled or parked by now. */
export function leavesOf(group: StoredGroup): Uint8Array[] {
  return group.records.map(leafOf);
}

/** The envelope that stands alone, with its signature and, out of a tree, its proof. */
export function standaloneOf({ group, record }: ParcelItem): Uint8Array {
  if (record.form !== "leaf") return record.bytes;
  const index = record.sequence - group.firstSequence;
  return standaloneEnvelope({ leaves: leavesOf(group), sig: group.sig }, index);
}

/** What one call carries: a group of several leaves, or a run of groups of one. Goes again until nothing is pending. */
export class Parcel {
  readonly #groups: Map<number, StoredGroup>;
  readonly #pending = new Map<number, ParcelItem>();
  /** Loss and parked records alone: they may overtake the others, since they explain what is missing before them. */
  readonly isControl: boolean;
  inFlight = false;
  /** The bus wants what comes before it first. */
  isHeldBack = false;

  constructor(groups: readonly StoredGroup[]) {
    this.#groups = new Map(groups.map((group) => [group.id, group]));
    for (const group of groups) {
      for (const record of group.records) {
        if (record.state === "pending") this.#pending.set(record.id, { group, record });
      }
    }
    this.isControl = groups.every(isControlGroup);
  }

  get groupIds(): readonly number[] {
    return [...this.#groups.keys()];
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** The records without an answer that settles or parks them, in order. */
  items(): ParcelItem[] {
    return [...this.#pending.values()];
  }

  /** The group of several leaves that this parcel is, or undefined for a run of groups of one. */
  get tree(): StoredGroup | undefined {
    const [group] = this.#groups.values();
    return this.#groups.size === 1 && group !== undefined && group.size > 1 ? group : undefined;
  }

  /** The item is settled or parked. Answers whether its group is done with it. */
  finish({ group, record }: ParcelItem): boolean {
    this.#pending.delete(record.id);
    return !group.records.some(({ id }) => this.#pending.has(id));
  }

  /** The group was shed. */
  drop(groupId: number): void {
    const group = this.#groups.get(groupId);
    if (group === undefined) return;
    this.#groups.delete(groupId);
    for (const record of group.records) this.#pending.delete(record.id);
  }
}

/** Whether a group holds nothing but what the log says of itself. */
export function isControlGroup(group: StoredGroup): boolean {
  return group.records.every(({ kind }) => kind === "loss" || kind === "parked");
}

/**
 * Whether what is pending of a group can still be sent as it was sealed: a leaf needs every leaf of its tree beside it,
 * for the root or for its proof; an envelope that stands alone needs itself.
 */
export function isSendable(group: StoredGroup): boolean {
  const pending = group.records.filter(({ state }) => state === "pending");
  if (pending.every(({ form }) => form !== "leaf")) return pending.every(({ intact }) => intact);
  return group.records.length === group.size && group.records.every(({ intact }) => intact);
}
