import { envelopesPerCallMax } from "../envelope/index.ts";
import type { Log, StoredGroup } from "../wal/index.ts";
import { isControlGroup, isSendable, Parcel } from "./parcel.ts";
import { ParcelReader } from "./parcel-reader.ts";

/** From this many remembered on, those that the reader has passed are forgotten. */
const aheadIdsMax = 1024;

export interface SendQueueOptions {
  readonly log: Log;
  /** Parcels in order of the log that are held at once. */
  readonly parcelsMax: number;
  /** Drops a group whose bytes are no longer what was sealed; answers whether it could. */
  dropDamaged(group: StoredGroup): boolean;
}

/**
 * What is to be sent next: parcels in order of the log, a few at a time, and in front of them loss and parked records,
 * which explain gaps that the bus would otherwise wait for.
 */
export class SendQueue {
  readonly #log: Log;
  readonly #parcelsMax: number;
  readonly #reader: ParcelReader;
  readonly #dropDamaged: (group: StoredGroup) => boolean;
  readonly #ahead: number[] = [];
  readonly #aheadIds = new Set<number>();
  #control: Parcel | undefined;
  #window: Parcel[] = [];

  constructor(options: SendQueueOptions) {
    this.#log = options.log;
    this.#parcelsMax = options.parcelsMax;
    this.#dropDamaged = options.dropDamaged;
    this.#reader = new ParcelReader(options.log, options.dropDamaged, (group) => {
      if (isControlGroup(group)) this.overtake([group.id]);
      return this.#aheadIds.has(group.id);
    });
  }

  /** Lets groups of loss and parked records go in front. */
  overtake(groupIds: readonly number[]): void {
    for (const id of groupIds) {
      if (this.#aheadIds.has(id)) continue;
      this.#aheadIds.add(id);
      this.#ahead.push(id);
    }
    if (this.#aheadIds.size <= aheadIdsMax) return;
    for (const id of this.#aheadIds) if (id <= this.#reader.afterId) this.#aheadIds.delete(id);
  }

  /** Parcels that may be sent now, the most urgent first; with `probe` only those that everything else waits for. */
  *idle(probe: boolean): Generator<Parcel> {
    const control = this.#nextControl();
    if (control && !control.inFlight) yield control;
    for (let i = 0; i < (probe ? 1 : this.#parcelsMax); i += 1) {
      const parcel = this.#window[i] ?? this.#load();
      if (parcel === undefined) return;
      if (!parcel.inFlight && (i === 0 || !parcel.isHeldBack)) yield parcel;
    }
  }

  /** Whether a parcel is in front: the bus waits for nothing that comes before it. */
  isHead(parcel: Parcel): boolean {
    return parcel === this.#control || parcel === this.#window[0];
  }

  /** Forgets a parcel that has nothing pending any more. */
  remove(parcel: Parcel): void {
    if (parcel === this.#control) this.#control = undefined;
    this.#window = this.#window.filter((other) => other !== parcel);
    for (const other of this.#window) other.isHeldBack = false;
  }

  /** Forgets groups that were shed. */
  drop(groupIds: readonly number[]): void {
    for (const parcel of [...this.#window, ...(this.#control ? [this.#control] : [])]) {
      for (const id of groupIds) parcel.drop(id);
      if (parcel.pendingCount === 0 && !parcel.inFlight) this.remove(parcel);
    }
  }

  /** Groups that are on their way. */
  inFlightGroupIds(): number[] {
    const parcels = this.#control ? [this.#control, ...this.#window] : this.#window;
    return parcels.flatMap((parcel) => (parcel.inFlight ? parcel.groupIds : []));
  }

  #load(): Parcel | undefined {
    const parcel = this.#reader.next();
    if (parcel) this.#window.push(parcel);
    return parcel;
  }

  /** Loss and parked records that wait: a group of several, or a run of groups of one. */
  #nextControl(): Parcel | undefined {
    const run: StoredGroup[] = [];
    while (this.#control === undefined && run.length < envelopesPerCallMax) {
      const id = this.#ahead[0];
      if (id === undefined) break;
      const group = this.#log.nextGroup(id - 1);
      if (group?.id === id && !isSendable(group)) {
        if (!this.#dropDamaged(group)) break;
      } else if (group?.id === id) {
        if (run.length > 0 && group.size > 1) break;
        run.push(group);
      }
      this.#ahead.shift();
      if (group?.id === id && group.size > 1) break;
    }
    if (run.length > 0) this.#control = new Parcel(run);
    return this.#control;
  }
}
