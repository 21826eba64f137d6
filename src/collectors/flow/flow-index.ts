import type { FlowPacket } from "./flow-packet.ts";
import {
  type FlowRecords,
  recordWords,
  wordAddresses,
  wordHash,
  wordInterface,
  wordMeta,
  wordPorts,
  wordPrefixA,
  wordPrefixB,
} from "./flow-records.ts";

/** Slots beyond 2^24 do not fit; the configuration allows half of that. */
const slotBits = 24;
const slotMask = (1 << slotBits) - 1;

/**
 * From key to slot: open addressing with linear probing, at most half full. Deleting moves what follows back, so that
 * no tombstones lengthen the probes (Knuth, The Art of Computer Programming, volume 3, algorithm 6.4 R).
 */
export class FlowIndex {
  readonly #records: FlowRecords;
  /** The upper eight bits of the hash, and slot + 1 below them; 0 is empty. */
  #entries: Int32Array;
  #mask: number;
  /** Means nothing: it keeps what `warm` reads from being optimized away. */
  touched = 0;

  constructor(records: FlowRecords) {
    this.#records = records;
    this.#mask = entriesFor(records.slots) - 1;
    this.#entries = new Int32Array(this.#mask + 1);
  }

  /** The slot of a key, or -1. */
  find(key: FlowPacket): number {
    const { hash, ports, a3, b3, meta, interfaceIndex } = key;
    const entries = this.#entries;
    const mask = this.#mask;
    const words = this.#records.words;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = entries[i] as number;
      if (entry === 0) return -1;
      if ((entry ^ hash) >>> slotBits !== 0) continue;
      const slot = (entry & slotMask) - 1;
      const at = slot * recordWords;
      if (
        words[at + wordPorts] === ports &&
        words[at + wordAddresses] === a3 &&
        words[at + wordAddresses + 1] === b3 &&
        words[at + wordMeta] === meta &&
        words[at + wordInterface] === interfaceIndex &&
        (key.family === 4 || samePrefixes(words, at, key))
      ) {
        return slot;
      }
    }
  }

  /**
   * Touches what `find` will read for the first `count` keys. One search waits for memory twice, one after the other;
   * here the waits of many packets overlap.
   */
  warm(keys: readonly FlowPacket[], count: number): void {
    const entries = this.#entries;
    const mask = this.#mask;
    const words = this.#records.words;
    let touched = 0;
    for (let i = 0; i < count; i += 1) {
      const entry = (entries[(keys[i] as FlowPacket).hash & mask] as number) & slotMask;
      if (entry !== 0) touched ^= words[(entry - 1) * recordWords] as number;
    }
    this.touched = touched;
  }

  /** Adds a slot, whose record holds its hash; its key must not be there yet. */
  add(slot: number): void {
    if (entriesFor(this.#records.slots) > this.#mask + 1) this.#grow();
    this.#put(slot);
  }

  /** Removes a slot that is there. */
  remove(slot: number): void {
    const entries = this.#entries;
    const mask = this.#mask;
    let hole = this.#hashOf(slot) & mask;
    while (((entries[hole] as number) & slotMask) !== slot + 1) hole = (hole + 1) & mask;
    let i = hole;
    for (;;) {
      i = (i + 1) & mask;
      const entry = entries[i] as number;
      if (entry === 0) break;
      const own = this.#hashOf((entry & slotMask) - 1) & mask;
      // an entry may move back to the hole unless its own place lies behind the hole
      if (((i - own) & mask) >= ((i - hole) & mask)) {
        entries[hole] = entry;
        hole = i;
      }
    }
    entries[hole] = 0;
  }

  /** The longest way from an entry's own place to where it lies; what a search may cost. */
  probesMax(): number {
    let longest = 0;
    for (let i = 0; i <= this.#mask; i += 1) {
      const entry = this.#entries[i] as number;
      if (entry !== 0) longest = Math.max(longest, (i - this.#hashOf((entry & slotMask) - 1)) & this.#mask);
    }
    return longest;
  }

  #hashOf(slot: number): number {
    return this.#records.words[slot * recordWords + wordHash] as number;
  }

  #put(slot: number): void {
    const entries = this.#entries;
    const hash = this.#hashOf(slot);
    let i = hash & this.#mask;
    while (entries[i] !== 0) i = (i + 1) & this.#mask;
    entries[i] = (hash & ~slotMask) | (slot + 1);
  }

  #grow(): void {
    const old = this.#entries;
    this.#mask = entriesFor(this.#records.slots) - 1;
    this.#entries = new Int32Array(this.#mask + 1);
    for (const entry of old) if (entry !== 0) this.#put((entry & slotMask) - 1);
  }
}

function entriesFor(slots: number): number {
  return 2 ** Math.ceil(Math.log2(slots * 2));
}

function samePrefixes(words: Int32Array, at: number, key: FlowPacket): boolean {
  return (
    words[at + wordPrefixA] === key.a0 &&
    words[at + wordPrefixA + 1] === key.a1 &&
    words[at + wordPrefixA + 2] === key.a2 &&
    words[at + wordPrefixB] === key.b0 &&
    words[at + wordPrefixB + 1] === key.b1 &&
    words[at + wordPrefixB + 2] === key.b2
  );
}
