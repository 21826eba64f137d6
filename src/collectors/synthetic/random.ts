import { sha256 } from "../../core/hashes.ts";

const two32 = 4_294_967_296;

function rotateLeft(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** Beyond this many factors a Taylor series adds nothing to a double on [-ln2/2, ln2/2]. */
const seriesTerms = 14;

/**
 * e^x out of additions and products alone. The engine's own may differ in the last bit between processors and versions,
 * and the same seed is to make the same bytes everywhere.
 */
export function exponentialOf(x: number): number {
  const doublings = Math.floor(x * Math.LOG2E + 0.5);
  const rest = x - doublings * Math.LN2;
  let sum = 1;
  for (let n = seriesTerms; n > 0; n -= 1) sum = 1 + (sum * rest) / n;
  for (let n = doublings; n > 0; n -= 1) sum *= 2;
  for (let n = doublings; n < 0; n += 1) sum /= 2;
  return sum;
}

/**
 * Numbers that look random and follow from a seed: xoshiro128** 1.1 of D. Blackman and S. Vigna
 * (prng.di.unimi.it/xoshiro128starstar.c). Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Four words of state, not all 0. */
  constructor(state: readonly [number, number, number, number]) {
    [this.#a, this.#b, this.#c, this.#d] = state;
  }

  /** A stream of its own for each name: what one scenario draws changes no other. Its state is a SHA-256 of both. */
  static of(seed: number, name: string): Random {
    const digest = sha256(new TextEncoder().encode(`${seed} ${name}`));
    const view = new DataView(digest.buffer, digest.byteOffset);
    return new Random([view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)]);
  }

  /** From 0 to 2^32 - 1. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** From 0 (inclusive) to 1. */
  unit(): number {
    return this.uint32() / two32;
  }

  /** Between two numbers. */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number from low to high, both inclusive. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  chance(share: number): boolean {
    return this.unit() < share;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)] as T;
  }

  /** One of many, the first ones far more often. */
  pickPopular<T>(choices: readonly T[]): T {
    const share = this.unit();
    return choices[Math.floor(share * share * choices.length)] as T;
  }

  /** Exponentially distributed with mean 1, by comparisons alone (J. von Neumann 1951, NBS Applied Mathematics 12). */
  exponential(): number {
    for (let whole = 0; ; whole += 1) {
      const first = this.unit();
      let last = first;
      let length = 1;
      for (let next = this.unit(); next < last; next = this.unit()) {
        last = next;
        length += 1;
      }
      if (length % 2 === 1) return whole + first;
    }
  }

  /** Nearly normal with mean 0 and deviation 1: twelve uniform draws (Irwin and Hall), so never beyond 6. */
  normal(): number {
    let sum = -6;
    for (let n = 0; n < 12; n += 1) sum += this.unit();
    return sum;
  }

  /** Log-normal by its median and the deviation of its logarithm, at most `max`. */
  logNormal(median: number, sigma: number, max: number): number {
    return Math.min(max, median * exponentialOf(sigma * this.normal()));
  }
}
