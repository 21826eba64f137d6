/** How far one device's counters came since the round before: what a threshold of a counter is held against. */
export class CounterWatch {
  #before = new Map<string, number>();
  #now = new Map<string, number>();

  /** Begins a round in which the device answered. */
  begin(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }

  /** Undefined where there is nothing to compare with, and for a counter that began anew or came round. */
  growth(counter: string, value: number): number | undefined {
    this.#now.set(counter, value);
    const before = this.#before.get(counter);
    return before === undefined || value < before ? undefined : value - before;
  }
}
