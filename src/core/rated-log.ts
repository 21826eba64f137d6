import type { Clock } from "./clock.ts";
import type { LogFields, LogLevel, Observer } from "./observer.ts";

const quietMs = 10_000;
const keysMax = 4096;

interface Muted {
  untilMs: number;
  suppressed: number;
}

/** Logs within a rate: one line per key in ten seconds, with the number of those not logged. */
export class RatedLog {
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #muted = new Map<string, Muted>();

  constructor(observer: Observer, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  log(key: string, level: LogLevel, message: string, fields: LogFields): void {
    const nowMs = this.#clock.monotonicMs();
    const muted = this.#muted.get(key);
    if (muted && nowMs < muted.untilMs) {
      muted.suppressed += 1;
      return;
    }
    if (this.#muted.size >= keysMax) this.#muted.clear();
    this.#muted.set(key, { untilMs: nowMs + quietMs, suppressed: 0 });
    const more = muted && muted.suppressed > 0 ? { not_logged: muted.suppressed } : {};
    this.#observer.log(level, message, { ...fields, ...more });
  }
}
