interface Sample {
  readonly atMs: number;
  readonly total: number;
}

/** How fast a total has grown lately: it is told the total from time to time, and remembers one window of it. */
export class RateWindow {
  readonly #windowMs: number;
  readonly #samples: Sample[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The oldest sample stays until the next one is a window old too. */
  add(atMs: number, total: number): void {
    this.#samples.push({ atMs, total });
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - this.#windowMs) this.#samples.shift();
  }

  /** Growth per millisecond from the oldest sample to this point, and over how many milliseconds that was seen. */
  rateTo(atMs: number, total: number): { readonly perMs: number; readonly spanMs: number } {
    const first = this.#samples[0] ?? { atMs, total };
    const spanMs = atMs - first.atMs;
    return { perMs: spanMs > 0 ? (total - first.total) / spanMs : 0, spanMs };
  }
}
