import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import { RatedLog } from "../core/rated-log.ts";
import type { Verdict } from "./ack-code.ts";

/** Logs refusals within a rate, for each agent and code. */
export class RefusalLog {
  readonly #lines: RatedLog;

  constructor(observer: Observer, clock: Clock) {
    this.#lines = new RatedLog(observer, clock);
  }

  /** `who` is a name of the trust map, or an address where there is none. */
  refused(who: string, { code, reason }: Verdict): void {
    this.#lines.log(`${code} ${who}`, "warn", "Refused an event", { agent: who, code, reason });
  }
}
