/** Sequences in a row; both ends belong to it. */
export interface SequenceSpan {
  readonly first: number;
  readonly last: number;
}

/** A set of sequences, kept as few disjoint spans in ascending order. */
export class SequenceSet {
  #spans: { first: number; last: number }[] = [];

  get spans(): readonly SequenceSpan[] {
    return this.#spans;
  }

  /** How many sequences are in it. */
  get size(): number {
    return this.#spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  add({ first, last }: SequenceSpan): void {
    const from = this.#indexAt(first - 1);
    let to = from;
    const joined = { first, last };
    for (let span = this.#spans[to]; span && span.first <= last + 1; span = this.#spans[to]) {
      joined.first = Math.min(joined.first, span.first);
      joined.last = Math.max(joined.last, span.last);
      to += 1;
    }
    this.#spans.splice(from, to - from, joined);
  }

  has(sequence: number): boolean {
    const span = this.#spans[this.#indexAt(sequence)];
    return span !== undefined && span.first <= sequence;
  }

  /** The parts of a span that are not in the set. */
  missingIn({ first, last }: SequenceSpan): SequenceSpan[] {
    const missing: SequenceSpan[] = [];
    let next = first;
    for (let i = this.#indexAt(first); next <= last; i += 1) {
      const span = this.#spans[i];
      if (!span || span.first > last) {
        missing.push({ first: next, last });
        break;
      }
      if (span.first > next) missing.push({ first: next, last: span.first - 1 });
      next = span.last + 1;
    }
    return missing;
  }

  /** Index of the first span that ends at or behind a sequence. */
  #indexAt(sequence: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#spans[middle] as SequenceSpan).last < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
