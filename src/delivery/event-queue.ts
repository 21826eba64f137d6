import type { CollectedEvent } from "../core/event.ts";

export interface EventQueueLimits {
  readonly eventsMax: number;
  /** Payload bytes. */
  readonly bytesMax: number;
}

/** Events that wait for the next group commit: first in, first out, bounded in number and bytes. */
export class EventQueue {
  readonly #limits: EventQueueLimits;
  #events: CollectedEvent[] = [];
  #head = 0;
  #bytes = 0;

  constructor(limits: EventQueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#events.length - this.#head;
  }

  /** Payload bytes of what waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How full it is, from 0 to 1; the fuller of its two limits counts. */
  get fill(): number {
    return Math.max(this.length / this.#limits.eventsMax, this.#bytes / this.#limits.bytesMax);
  }

  /** Takes an event, or answers that there is no room for it. */
  put(event: CollectedEvent): boolean {
    if (this.length >= this.#limits.eventsMax) return false;
    if (this.#bytes + event.payload.length > this.#limits.bytesMax) return false;
    this.#events.push(event);
    this.#bytes += event.payload.length;
    return true;
  }

  /** The oldest events, up to `eventsMax` of them and `bytesMax` with `overheadBytes` for each; they stay. */
  peek(eventsMax: number, bytesMax: number, overheadBytes: number): CollectedEvent[] {
    let bytes = 0;
    let end = this.#head;
    while (end < this.#events.length && end - this.#head < eventsMax) {
      bytes += (this.#events[end] as CollectedEvent).payload.length + overheadBytes;
      if (bytes > bytesMax) break;
      end += 1;
    }
    return this.#events.slice(this.#head, end);
  }

  /** Forgets the oldest `count` events: they are stored. */
  drop(count: number): void {
    for (let i = this.#head; i < this.#head + count; i += 1) {
      this.#bytes -= (this.#events[i] as CollectedEvent).payload.length;
    }
    this.#head += count;
    if (this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
