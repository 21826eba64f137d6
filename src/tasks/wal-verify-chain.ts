import { bytesEqual } from "../core/bytes.ts";

/** A verified record's place in the chain of its source. */
export interface ChainLink {
  readonly id: number;
  readonly sequence: number;
  /** The signature over the record, or over the tree that it is in. */
  readonly sig: Uint8Array;
  readonly prevSig: Uint8Array;
}

/** Records with sequences in a row, and what its two ends need to be joined to others. */
export interface ChainSegment {
  readonly first: ChainLink;
  readonly last: ChainLink;
}

/** What adding a link found. */
export type ChainFault =
  | { readonly kind: "repeated"; readonly link: ChainLink }
  | { readonly kind: "chain"; readonly link: ChainLink };

/**
 * The chain of one agent and epoch. Links may come in any order; what lies in a row is kept as one segment, so that a
 * log in order costs next to nothing.
 */
export class SourceChain {
  #segments: ChainSegment[] = [];

  /** In order of sequence. */
  get segments(): readonly ChainSegment[] {
    return this.#segments;
  }

  add(link: ChainLink): ChainFault[] {
    const index = this.#indexAt(link.sequence);
    const before = this.#segments[index - 1];
    const after = this.#segments[index];
    if (after && after.first.sequence <= link.sequence) return [{ kind: "repeated", link }];
    const faults: ChainFault[] = [];
    const joinsBefore = before?.last.sequence === link.sequence - 1;
    const joinsAfter = after?.first.sequence === link.sequence + 1;
    if (joinsBefore && !follows(before.last, link)) faults.push({ kind: "chain", link });
    if (joinsAfter && !follows(link, after.first)) faults.push({ kind: "chain", link: after.first });
    const joined = { first: joinsBefore ? before.first : link, last: joinsAfter ? after.last : link };
    const from = joinsBefore ? index - 1 : index;
    this.#segments.splice(from, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), joined);
    return faults;
  }

  /** Index of the first segment that ends at or behind a sequence. */
  #indexAt(sequence: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as ChainSegment).last.sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a record may stand directly behind another: in the same tree, or naming its signature. */
export function follows(before: ChainLink, after: ChainLink): boolean {
  if (bytesEqual(before.sig, after.sig)) return bytesEqual(before.prevSig, after.prevSig);
  return bytesEqual(after.prevSig, before.sig);
}
