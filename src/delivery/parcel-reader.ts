import { treeBytesMax, treeLeavesMax } from "../envelope/index.ts";
import type { Log, StoredGroup } from "../wal/index.ts";
import { isSendable, Parcel } from "./parcel.ts";

function bytesOf(group: StoredGroup): number {
  return group.records.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Reads the groups that wait, in order of the log, as parcels of one call each. */
export class ParcelReader {
  readonly #log: Log;
  readonly #dropDamaged: (group: StoredGroup) => boolean;
  readonly #isTaken: (group: StoredGroup) => boolean;
  #afterId = 0;

  /**
   * `dropDamaged` drops a group whose bytes are no longer what was sealed and answers whether it could; `isTaken` says
   * that a group travels by another way.
   */
  constructor(log: Log, dropDamaged: (group: StoredGroup) => boolean, isTaken: (group: StoredGroup) => boolean) {
    this.#log = log;
    this.#dropDamaged = dropDamaged;
    this.#isTaken = isTaken;
  }

  /** The id of the last group that it has passed. */
  get afterId(): number {
    return this.#afterId;
  }

  /** The next parcel, or undefined while nothing more waits. */
  next(): Parcel | undefined {
    const run: StoredGroup[] = [];
    let bytes = 0;
    for (;;) {
      const group = this.#log.nextGroup(this.#afterId);
      if (group === undefined) break;
      const isDamaged = !isSendable(group);
      if (isDamaged && !this.#dropDamaged(group)) break;
      if (isDamaged || this.#isTaken(group)) {
        this.#afterId = group.id;
        continue;
      }
      bytes += bytesOf(group);
      const joins = run.length === 0 || (group.size === 1 && run.length < treeLeavesMax && bytes <= treeBytesMax);
      if (!joins) break;
      this.#afterId = group.id;
      run.push(group);
      if (group.size > 1) break;
    }
    return run.length > 0 ? new Parcel(run) : undefined;
  }
}
