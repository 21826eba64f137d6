/** Seconds the wheel reaches ahead; what is due later is looked at again then. A power of two. */
const buckets = 1024;

/**
 * Which flow to look at in which second: a ring of buckets, each a circular doubly linked list. A flow is put where its
 * deadline was last known to lie and stays there while packets move the deadline on; only when its bucket comes up is
 * it looked at and, if it lives, put further on. So a packet costs nothing here.
 */
export class TimingWheel {
  /** The second whose bucket is being emptied; everything waits in a later one, or in what is left of this one. */
  position: number;
  /** Node i < buckets is the head of bucket i; node buckets + s is slot s. */
  #next: Int32Array;
  #previous: Int32Array;
  /** No bucket before this second holds anything. */
  #soonest: number;

  constructor(slots: number) {
    this.position = 0;
    this.#soonest = 0;
    this.#next = Int32Array.from({ length: buckets + slots }, (_, i) => (i < buckets ? i : -1));
    this.#previous = this.#next.slice();
  }

  /** Makes room for this many slots. */
  grow(slots: number): void {
    if (this.#next.length >= buckets + slots) return;
    this.#next = lengthened(this.#next, buckets + slots);
    this.#previous = lengthened(this.#previous, buckets + slots);
  }

  /** Sets the time of an empty wheel, backwards too. */
  reset(second: number): void {
    this.position = second;
    this.#soonest = second;
  }

  /** Puts a slot that is not on the wheel into the bucket of a second, at the latest the last one in reach. */
  schedule(slot: number, second: number): void {
    const at = Math.min(Math.max(second, this.position + 1), this.reach);
    if (at < this.#soonest) this.#soonest = at;
    const head = at & (buckets - 1);
    const last = this.#previous[head] as number;
    const node = buckets + slot;
    this.#next[last] = node;
    this.#previous[node] = last;
    this.#next[node] = head;
    this.#previous[head] = node;
  }

  /** Takes a slot off. */
  remove(slot: number): void {
    const node = buckets + slot;
    const next = this.#next[node] as number;
    const previous = this.#previous[node] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** Moves up to `second` and takes the first slot off that waits there or before; -1 once there is none. */
  takeDue(second: number): number {
    if (second - this.position > buckets) this.position = second - buckets;
    for (;;) {
      const node = this.#next[this.position & (buckets - 1)] as number;
      if (node >= buckets) {
        this.remove(node - buckets);
        return node - buckets;
      }
      if (this.position >= second) return -1;
      this.position += 1;
    }
  }

  /**
   * The slot that waits in the earliest bucket (which one is in `soonestSecond`), left there; -1 if the wheel is empty.
   */
  peekSoonest(): number {
    for (let second = Math.max(this.#soonest, this.position); second <= this.reach; second += 1) {
      const node = this.#next[second & (buckets - 1)] as number;
      if (node >= buckets) {
        this.#soonest = second;
        return node - buckets;
      }
    }
    return -1;
  }

  /** The last second there is a bucket for. */
  get reach(): number {
    return this.position + buckets - 1;
  }

  /** The second of the bucket that peekSoonest found. */
  get soonestSecond(): number {
    return this.#soonest;
  }
}

function lengthened(nodes: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(length).fill(-1);
  longer.set(nodes);
  return longer;
}
