/** TimeTicks count hundredths of a second in 32 bits (RFC 2578, 7.1.8): they begin anew after 497 days. */
const ticksPerTurn = 2 ** 32;
const nsPerTick = 10_000_000;

/** By how much an uptime may differ from the time that passed here: answers that wait, and clocks that drift. */
const toleranceTicks = 6000;
const driftMax = 0.001;

/** How long a device runs. */
export interface Uptime {
  /** Hundredths of a second since the start; with the turns of the counter that were seen. */
  readonly ticks: number;
  /** Whether it began anew since it was last heard, or may have. */
  readonly isRestarted: boolean;
}

/** sysUpTime over the rounds. Tells a counter that came round from a device that began anew, by the time between. */
export class UptimeWatch {
  #last: { readonly ticks: number; readonly atNs: bigint } | undefined;

  /** Undefined for what is no uptime: a device may say anything in its place. */
  update(told: number | undefined, nowNs: bigint): Uptime | undefined {
    if (told === undefined || !(told >= 0 && told < ticksPerTurn)) return undefined;
    const within = Math.trunc(told);
    const last = this.#last;
    let ticks = within;
    if (last) {
      const passed = Number(nowNs - last.atNs) / nsPerTick;
      const expected = last.ticks + passed;
      const turned = within + Math.round((expected - within) / ticksPerTurn) * ticksPerTurn;
      if (Math.abs(turned - expected) <= toleranceTicks + passed * driftMax) ticks = Math.max(turned, within);
    }
    this.#last = { ticks, atNs: nowNs };
    return { ticks, isRestarted: last === undefined || ticks < last.ticks };
  }
}
