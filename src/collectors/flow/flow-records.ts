/**
 * Where the fields of a flow lie: 32 words (128 bytes) for each slot. The first half, one cache line, is all that a
 * usual
 * packet touches. Two-sided fields hold A's value and then B's.
 */
export const recordWords = 32;

export const wordPorts = 0;
export const wordMeta = 1;
export const wordInterface = 2;
/** The last address word of each. */
export const wordAddresses = 3;
/** Times as unsigned seconds since the Unix epoch and nanoseconds. */
export const wordLastSec = 5;
export const wordLastNsec = 6;
export const wordStartSec = 7;
/** tcp-state.ts says what is in it. */
export const wordState = 8;
/** Lower halves of the totals, unsigned. */
export const wordPackets = 9;
export const wordBytes = 11;
export const wordIpBytes = 13;
export const wordStartNsec = 15;

export const wordHash = 16;
/** Sequence number of the last SYN without ACK. */
export const wordIsn = 17;
/** In a free slot: the next free one, or -1. */
const wordNextFree = 18;
/** First three address words of A and of B (IPv6 only). */
export const wordPrefixA = 19;
export const wordPrefixB = 22;
/** From a total's lower to its upper half. */
const upperHalf = 16;

const slotsFirst = 1024;

/** Slots for flows: taken and given back in any order, grown by doubling up to a limit. */
export class FlowRecords {
  words: Int32Array;
  /** Slots there is memory for now. */
  slots: number;
  /** Slots in use. */
  used = 0;
  readonly #slotsMax: number;
  #firstFree = -1;
  /** Slots from here on were never used. */
  #untouched = 0;

  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax;
    this.slots = Math.min(slotsFirst, slotsMax);
    this.words = new Int32Array(this.slots * recordWords);
  }

  get full(): boolean {
    return this.used === this.#slotsMax;
  }

  /** A slot whose fields hold anything; there must be room. Growing replaces `words`. */
  take(): number {
    this.used += 1;
    const free = this.#firstFree;
    if (free !== -1) {
      this.#firstFree = this.words[free * recordWords + wordNextFree] as number;
      return free;
    }
    if (this.#untouched === this.slots) this.#grow();
    this.#untouched += 1;
    return this.#untouched - 1;
  }

  giveBack(slot: number): void {
    this.used -= 1;
    this.words[slot * recordWords + wordNextFree] = this.#firstFree;
    this.#firstFree = slot;
  }

  #grow(): void {
    this.slots = Math.min(this.slots * 2, this.#slotsMax);
    const words = new Int32Array(this.slots * recordWords);
    words.set(this.words);
    this.words = words;
  }
}

/** Sets both sides of all totals of a record to 0. */
export function clearTotals(words: Int32Array, record: number): void {
  for (let at = record + wordPackets; at < record + wordIpBytes + 2; at += 1) {
    words[at] = 0;
    words[at + upperHalf] = 0;
  }
}

/** Adds to a total (its word of one side) an integer from 0 to 2^32 - 1. */
export function addToTotal(words: Int32Array, at: number, by: number): void {
  const before = words[at] as number;
  const after = (before + by) | 0;
  words[at] = after;
  if (after >>> 0 < before >>> 0) words[at + upperHalf] = (words[at + upperHalf] as number) + 1;
}

/** A total, exact up to 2^53. */
export function totalAt(words: Int32Array, at: number): number {
  return (words[at + upperHalf] as number) * 4294967296 + ((words[at] as number) >>> 0);
}

/** Sets a total, for tests. */
export function setTotal(words: Int32Array, at: number, value: number): void {
  words[at] = value % 4294967296;
  words[at + upperHalf] = Math.floor(value / 4294967296);
}
