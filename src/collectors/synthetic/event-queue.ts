import type { Draft } from "./draft.ts";

interface Entry<Owner> {
  readonly draft: Draft;
  readonly owner: Owner;
  readonly order: number;
}

/** Drafts that wait for their turn, the one that ends first in front; of several the one that came first. */
export class EventQueue<Owner> {
  readonly #heap: Entry<Owner>[] = [];
  #added = 0;

  get length(): number {
    return this.#heap.length;
  }

  /** When the one in front ends; undefined where there is none. */
  get frontUs(): number | undefined {
    return this.#heap[0]?.draft.endUs;
  }

  add(draft: Draft, owner: Owner): void {
    const heap = this.#heap;
    const entry = { draft, owner, order: this.#added++ };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry<Owner>;
      if (!isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  take(): { readonly draft: Draft; readonly owner: Owner } | undefined {
    const heap = this.#heap;
    const front = heap[0];
    const last = heap.pop();
    if (front === undefined || last === undefined || heap.length === 0) return front;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Entry<Owner>)) child += 1;
      const below = heap[child] as Entry<Owner>;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return front;
  }
}

function isBefore<Owner>(a: Entry<Owner>, b: Entry<Owner>): boolean {
  return a.draft.endUs < b.draft.endUs || (a.draft.endUs === b.draft.endUs && a.order < b.order);
}
