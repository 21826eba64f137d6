/** Sequences in a row; both ends belong to it. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/** How many sequences a range holds. */
export function rangeCount({ first, last }: SequenceRange): number {
  return last - first + 1;
}

/**
 * Index of the first range that ends at or behind a sequence, of ranges that are apart and in ascending order; their
 * number where none does.
 */
export function rangeIndexAt(ranges: readonly SequenceRange[], sequence: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle] as SequenceRange).last < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A set of sequences, kept as few ranges, apart and in ascending order. */
export class SequenceSet {
  readonly #ranges: SequenceRange[] = [];

  get ranges(): readonly SequenceRange[] {
    return this.#ranges;
  }

  add({ first, last }: SequenceRange): void {
    const from = rangeIndexAt(this.#ranges, first - 1);
    let to = from;
    let joined = { first, last };
    for (let met = this.#ranges[to]; met && met.first <= last + 1; met = this.#ranges[to]) {
      joined = { first: Math.min(joined.first, met.first), last: Math.max(joined.last, met.last) };
      to += 1;
    }
    this.#ranges.splice(from, to - from, joined);
  }

  /** The parts of a range that are not in the set. */
  missingIn({ first, last }: SequenceRange): SequenceRange[] {
    const missing: SequenceRange[] = [];
    let next = first;
    for (let i = rangeIndexAt(this.#ranges, first); next <= last; i += 1) {
      const held = this.#ranges[i] ?? { first: last + 1, last };
      if (held.first > next) missing.push({ first: next, last: Math.min(held.first - 1, last) });
      next = held.last + 1;
    }
    return missing;
  }
}
