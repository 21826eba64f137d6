import type { AckClass } from "../data/ack-codes.ts";
import type { ParcelItem } from "./parcel.ts";

/** What the bus said about one record. */
export interface PublishResult {
  readonly item: ParcelItem;
  readonly ackClass: AckClass;
  readonly code: string;
  readonly reason: string;
}

/**
 * Tells a record whose signature is bad from a bus that does not have our key. Where a call brought nothing but bad
 * signatures, that is a fault of the identity: nothing may be set aside for it, or a wrong trust map would empty the
 * log.
 */
export class SignatureJudge {
  /** Epochs of which the bus took something, and refused no signature since. */
  readonly #taken = new Set<string>();

  /** The connection was lost: another bus, or another trust map, may answer next. */
  forget(): void {
    this.#taken.clear();
  }

  /** The results of one call, all of them, with `bad_signature` as the class that it amounts to. */
  judge(results: readonly PublishResult[]): readonly PublishResult[] {
    const taken = results.filter(({ ackClass }) => ackClass === "done");
    for (const { item } of taken) this.#taken.add(epochOf(item));
    if (taken.length > 0) return results;
    const refused = results.filter(({ code }) => code === "bad_signature");
    const wasTaken = refused.map(({ item }) => this.#taken.delete(epochOf(item))).includes(true);
    // one alone among those that were taken before and after is its own fault; the next alone is not
    if (refused.length === 0 || (results.length === 1 && wasTaken)) return results;
    return results.map((result) => (result.code === "bad_signature" ? { ...result, ackClass: "identity" } : result));
  }
}

function epochOf({ group }: ParcelItem): string {
  return group.source.epoch;
}
