import type { Clock } from "../core/clock.ts";
import type { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";

/** Trouble that lasts is told this often. */
const tellEveryMs = 60_000;

/** Tells of trouble with the bus: one line when it begins or changes, one now and then, one when it is over. */
export class Trouble {
  readonly #observer: Observer;
  readonly #clock: Clock;
  #told: { readonly kind: string; readonly atMs: number } | undefined;

  constructor(observer: Observer, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  tell(error: AmoskysError): void {
    const kind = `${error.code} ${error.details.code ?? ""}`;
    const atMs = this.#clock.monotonicMs();
    if (this.#told?.kind === kind && atMs - this.#told.atMs < tellEveryMs) return;
    this.#told = { kind, atMs };
    const level = error.code === "identity_refused" ? "error" : "warn";
    this.#observer.log(level, error.message, { code: error.code, hint: error.hint });
  }

  over(): void {
    if (this.#told) this.#observer.log("info", "the bus takes events again");
    this.#told = undefined;
  }
}
