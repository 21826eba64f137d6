import type { Clock } from "../core/clock.ts";
import type { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";

/** Trouble that lasts is told this often. */
const tellEveryMs = 60_000;

/** Kinds of trouble that are remembered; a bus that makes up more is told of again. */
const kindsMax = 64;

/**
 * Tells of trouble with the bus: one line when it begins or changes, one now and then, one when it is over. Each kind
 * is told once a minute at most, however often a bus refuses and takes events in turn.
 */
export class Trouble {
  readonly #observer: Observer;
  readonly #clock: Clock;
  readonly #toldAtMs = new Map<string, number>();
  #isTold = false;

  constructor(observer: Observer, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  tell(error: AmoskysError): void {
    const kind = `${error.code} ${error.details.code ?? ""}`;
    const atMs = this.#clock.monotonicMs();
    if (atMs - (this.#toldAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) return;
    if (this.#toldAtMs.size >= kindsMax) this.#toldAtMs.clear();
    this.#toldAtMs.set(kind, atMs);
    this.#isTold = true;
    const level = error.code === "identity_refused" ? "error" : "warn";
    this.#observer.log(level, error.message, { code: error.code, hint: error.hint });
  }

  over(): void {
    if (this.#isTold) this.#observer.log("info", "the bus takes events again");
    this.#isTold = false;
  }
}
