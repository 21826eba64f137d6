import type { Clock } from "./clock.ts";
import type { Collector, CollectorHealth } from "./collector.ts";
import { AmoskysError } from "./errors.ts";
import type { Observer } from "./observer.ts";

/** What a collector says of itself between rounds. */
export interface PollingReport extends Pick<CollectorHealth, "message" | "figures"> {
  /** What is not seen although rounds succeed, and why; the collector is degraded then. */
  readonly degraded?: string | undefined;
}

export interface PollingOptions {
  /** The collector, for log lines. */
  readonly name: string;
  readonly intervalMs: number;
  /** Share of the interval by which a round may come earlier or later, so that hosts do not act in step. */
  readonly jitter?: number;
  /** One round, then the end. */
  readonly once: boolean;
  /**
   * Looks once and emits what it sees. Its signal aborts when the collector is to stop. What it throws makes the round
   * a failed one; a permanent error (not retryable by its code) ends the collector.
   */
  round(signal: AbortSignal): Promise<void>;
  /** One line for a person about the last round, and totals by name. */
  describe(): PollingReport;
  /** Runs before the first round; throws where the collector cannot work here at all. */
  open?(): Promise<void>;
  /** Releases what `open` took. */
  close?(): Promise<void>;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Between 0 (inclusive) and 1; injected so that tests own it. */
  readonly random?: () => number;
}

const permanentCodes = new Set(["privilege_missing", "facility_missing", "config_invalid", "usage"]);

/** A collector that looks again and again. Rounds never overlap: one that takes long delays the next. */
class PollingCollector implements Collector {
  readonly done: Promise<void>;
  readonly #options: PollingOptions;
  readonly #ended = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #failure: AmoskysError | undefined;
  #rounds = 0;
  #failedRounds = 0;

  constructor(options: PollingOptions) {
    this.#options = options;
    this.done = this.#ended.promise;
    // whoever waits for `done` hears of a failure; nobody has to
    this.done.catch(() => {});
  }

  async start(): Promise<void> {
    await this.#options.open?.();
    this.#loop = this.#run();
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    await Promise.race([this.#loop, Bun.sleep(deadlineMs)]);
    await this.#options.close?.();
    this.#ended.resolve();
  }

  health(): CollectorHealth {
    const { message, degraded, figures } = this.#options.describe();
    const all = { ...figures, rounds: this.#rounds, failed_rounds: this.#failedRounds };
    if (this.#failure) return { status: "degraded", message: this.#failure.message, figures: all };
    if (degraded) return { status: "degraded", message: `${message}; ${degraded}`, figures: all };
    return { status: "ok", message, figures: all };
  }

  async #run(): Promise<void> {
    const { once, clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      const startedMs = clock.monotonicMs();
      await this.#round();
      if (once) return this.#ended.resolve();
      await this.#pause(clock.monotonicMs() - startedMs);
    }
  }

  async #round(): Promise<void> {
    const { name, round, observer, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    this.#rounds += 1;
    try {
      await round(this.#stop.signal);
      this.#failure = undefined;
    } catch (caught) {
      if (this.#stop.signal.aborted) return;
      const error = AmoskysError.from(caught);
      this.#failedRounds += 1;
      observer.count("amoskys_agent_failed_rounds_total");
      if (this.#failure?.message !== error.message) {
        observer.log("warn", `${name}: a round failed: ${error.message}`, { code: error.code, hint: error.hint });
      }
      this.#failure = error;
      if (this.#options.once || permanentCodes.has(error.code)) {
        this.#ended.reject(error);
        this.#stop.abort();
      }
    } finally {
      observer.observe("amoskys_agent_round_seconds", (clock.monotonicMs() - startedMs) / 1000);
    }
  }

  /** The rest of the interval, with jitter; ends early when the collector is to stop. */
  async #pause(spentMs: number): Promise<void> {
    const { intervalMs, jitter = 0.05, random = Math.random } = this.#options;
    const waitMs = Math.max(0, intervalMs * (1 + jitter * (2 * random() - 1)) - spentMs);
    const { signal } = this.#stop;
    if (signal.aborted) return;
    await new Promise<void>((resume) => {
      const timer = setTimeout(finish, waitMs);
      function finish() {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resume();
      }
      signal.addEventListener("abort", finish);
    });
  }
}

/** Creates a collector that makes a round at each interval. */
export function createPollingCollector(options: PollingOptions): Collector {
  return new PollingCollector(options);
}
