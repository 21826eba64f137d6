import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { Verdict } from "./ack-code.ts";

const quietMs = 10_000;
const keysMax = 4096;

interface Muted {
  untilMs: number;
  suppressed: number;
}

/** Logs refusals within a rate: one line per agent and code in ten seconds, with the number of those not logged. */
export class RefusalLog {
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #muted = new Map<string, Muted>();

  constructor(observer: Observer, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  /** `who` is a name of the trust map, or an address where there is none. */
  refused(who: string, { code, reason }: Verdict): void {
    const nowMs = this.#clock.monotonicMs();
    const key = `${code} ${who}`;
    const muted = this.#muted.get(key);
    if (muted && nowMs < muted.untilMs) {
      muted.suppressed += 1;
      return;
    }
    if (this.#muted.size >= keysMax) this.#muted.clear();
    this.#muted.set(key, { untilMs: nowMs + quietMs, suppressed: 0 });
    const more = muted && muted.suppressed > 0 ? { not_logged: muted.suppressed } : {};
    this.#observer.log("warn", "Refused an event", { agent: who, code, reason, ...more });
  }
}
