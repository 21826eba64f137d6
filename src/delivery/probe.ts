import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { BusClient } from "../transport/index.ts";

/** A bus that was not heard of for so long is asked whether it is there. */
const probeEveryMs = 30_000;

/** Asks a quiet bus whether it is there and takes this identity: the agent's state is true without events too. */
export class Probe {
  readonly #client: BusClient;
  readonly #clock: Clock;
  #isAsking = false;
  #heardAtMs = Number.NEGATIVE_INFINITY;

  constructor(client: BusClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The bus answered something and takes this identity. */
  heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  /** Milliseconds until the bus should be asked; undefined while it is. */
  get dueMs(): number | undefined {
    if (this.#isAsking) return undefined;
    return Math.max(0, this.#heardAtMs + probeEveryMs - this.#clock.monotonicMs());
  }

  /** Asks; answers why it failed, or undefined. */
  async ask(signal: AbortSignal): Promise<AmoskysError | undefined> {
    this.#isAsking = true;
    try {
      await this.#client.getHealth(signal);
      return undefined;
    } catch (caught) {
      const error = AmoskysError.from(caught);
      // an older bus that does not know the call is a bus
      return error.code === "unimplemented" ? undefined : error;
    } finally {
      this.#isAsking = false;
    }
  }
}
