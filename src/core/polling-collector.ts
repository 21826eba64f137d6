import type { Collector, CollectorContext, CollectorDefinition, CollectorHealth } from "./collector.ts";
import { AmoskysError } from "./errors.ts";
import { atMost, pause } from "./pause.ts";

/** What a collector says of itself between rounds. */
export interface RoundsReport extends Pick<CollectorHealth, "message" | "figures"> {
  /** What is not seen although rounds succeed, and why; the collector is degraded then. */
  readonly degraded?: string | undefined;
}

/** The work of a collector that looks again and again. */
export interface Rounds {
  /** Runs before the first round; throws where the collector cannot work here at all. */
  open?(): void | Promise<void>;
  /**
   * Looks once and emits what it sees. Its signal aborts when the collector is to stop. What it throws makes the round
   * a failed one. In the first round an error that only a person can mend ends the collector; what is missing later was
   * there before, and may come back.
   */
  round(signal: AbortSignal): void | Promise<void>;
  /** One line for a person about the last round, and totals by name. */
  describe(): RoundsReport;
  /** Releases what `open` took. */
  close?(): void | Promise<void>;
}

/** What every collector that looks again and again is created from. */
export interface PolledOptions<Config extends { readonly interval_s: number }> {
  readonly config: Config;
  /** One round, then the end. */
  readonly once: boolean;
}

/** Share of the interval by which a round may come earlier or later, so that hosts do not act in step. */
const jitter = 0.05;

/** Rounds never overlap: one that takes long delays the next. */
class PollingCollector implements Collector {
  readonly done: Promise<void>;
  readonly #name: string;
  readonly #options: PolledOptions<{ readonly interval_s: number }>;
  readonly #rounds: Rounds;
  readonly #context: CollectorContext;
  readonly #ended = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #failure: AmoskysError | undefined;
  #begun = 0;
  #failed = 0;

  constructor(
    name: string,
    options: PolledOptions<{ readonly interval_s: number }>,
    rounds: Rounds,
    context: CollectorContext,
  ) {
    this.#name = name;
    this.#options = options;
    this.#rounds = rounds;
    this.#context = context;
    this.done = this.#ended.promise;
    // whoever waits for `done` hears of a failure; nobody has to
    this.done.catch(() => {});
  }

  async start(): Promise<void> {
    await this.#rounds.open?.();
    this.#loop = this.#run();
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    await atMost(deadlineMs, this.#loop);
    try {
      await this.#rounds.close?.();
    } finally {
      this.#ended.resolve();
    }
  }

  health(): CollectorHealth {
    const { message, degraded, figures: own } = this.#rounds.describe();
    const figures = { ...own, rounds: this.#begun, failed_rounds: this.#failed };
    if (this.#failure) {
      const { message: why, hint } = this.#failure;
      return { status: "degraded", message: hint ? `${why}; ${hint}` : why, figures };
    }
    if (degraded) return { status: "degraded", message: `${message}; ${degraded}`, figures };
    return { status: "ok", message, figures };
  }

  async #run(): Promise<void> {
    const { config, once } = this.#options;
    const { clock } = this.#context;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      await this.#round();
      if (once) return this.#ended.resolve();
      const intervalMs = config.interval_s * 1000 * (1 + jitter * (2 * Math.random() - 1));
      await pause(Math.max(0, intervalMs - (clock.monotonicMs() - startedMs)), signal);
    }
  }

  async #round(): Promise<void> {
    const { observer, clock } = this.#context;
    const startedMs = clock.monotonicMs();
    this.#begun += 1;
    try {
      await this.#rounds.round(this.#stop.signal);
      this.#failure = undefined;
    } catch (caught) {
      if (!this.#stop.signal.aborted) this.#fail(AmoskysError.from(caught));
    } finally {
      observer.observe("amoskys_agent_round_seconds", (clock.monotonicMs() - startedMs) / 1000);
    }
  }

  /** Who hears of an error that ends the collector tells it; of one that does not, a log line tells once. */
  #fail(error: AmoskysError): void {
    const { observer } = this.#context;
    this.#failed += 1;
    observer.count("amoskys_agent_failed_rounds_total");
    const isLast = this.#options.once || (this.#begun === 1 && error.final);
    if (isLast) {
      this.#ended.reject(error);
      this.#stop.abort();
    } else if (this.#failure?.message !== error.message) {
      const { code, hint } = error;
      observer.log("warn", `${this.#name}: a round failed: ${error.message}`, { code, hint });
    }
    this.#failure = error;
  }
}

/**
 * Defines a collector that makes a round at each `interval_s`. `createRounds` is called for every collector; it throws
 * where the options make no sense.
 */
export function definePollingCollector<Options extends PolledOptions<{ readonly interval_s: number }>>(
  name: string,
  createRounds: (options: Options, context: CollectorContext) => Rounds,
): CollectorDefinition<Options> {
  return {
    name,
    create: (options, context) => new PollingCollector(name, options, createRounds(options, context), context),
  };
}
