import { resolve } from "node:path";
import type { Collector, CollectorContext, CollectorDefinition, CollectorHealth } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import { inTurn } from "../../core/lifecycle.ts";
import { atMost, awaitOrAbort, pause } from "../../core/pause.ts";
import type { SyntheticConfig } from "./config.ts";
import { EventGenerator } from "./generator.ts";
import { Pacer } from "./pacer.ts";
import { TruthWriter } from "./truth-writer.ts";

/** Events in a row after which others of the process get their turn. */
const eventsPerTurn = 64;

export interface SyntheticCollectorOptions {
  readonly config: SyntheticConfig;
  /** Where the truth goes unless the configuration says so; relative to the home. */
  readonly truthPath: string;
}

/** The collector `synthetic`. */
export const syntheticCollector: CollectorDefinition<SyntheticCollectorOptions> = {
  name: "synthetic",
  create: (options, context) => new SyntheticCollector(options, context),
};

class SyntheticCollector implements Collector {
  readonly done: Promise<void>;
  readonly #config: SyntheticConfig;
  readonly #context: CollectorContext;
  readonly #truthPath: string;
  readonly #startMs: number;
  readonly #generator: EventGenerator;
  readonly #ended = Promise.withResolvers<void>();
  #truth: TruthWriter | undefined;
  #loop: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  #isOver = false;

  constructor({ config, truthPath }: SyntheticCollectorOptions, context: CollectorContext) {
    this.#config = config;
    this.#context = context;
    this.#truthPath = resolve(context.home ?? "", config.truth ?? truthPath);
    this.#startMs = config.start === undefined ? context.clock.wallMs() : Date.parse(config.start);
    this.#generator = new EventGenerator({
      seed: config.seed,
      startMs: this.#startMs,
      durationMs: config.duration_s * 1000,
      scenarios: config.scenarios,
    });
    this.done = this.#ended.promise;
    // whoever waits for `done` hears of a failure; nobody has to
    this.done.catch(() => {});
  }

  async start(): Promise<void> {
    this.#truth = new TruthWriter(this.#truthPath, { seed: this.#config.seed, startMs: this.#startMs });
    this.#loop = this.#run().catch((caught) => this.#ended.reject(AmoskysError.from(caught)));
  }

  /** What was emitted of scenarios under way is written to the truth file too. Safe twice. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    await atMost(deadlineMs, this.#loop);
    const truth = this.#truth;
    this.#truth = undefined;
    await inTurn(
      () => {
        for (const unfinished of truth ? this.#generator.unfinished() : []) truth?.write(unfinished);
      },
      () => truth?.close(),
      () => this.#ended.resolve(),
    );
  }

  health(): CollectorHealth {
    const { timeUs, ...figures } = this.#generator.figures();
    const at = new Date(Math.max(this.#startMs, timeUs / 1000)).toISOString();
    const what = this.#isOver ? "made up all events" : "makes up events";
    return { status: "ok", message: `${what}, at ${at} of their own time; truth in ${this.#truthPath}`, figures };
  }

  async #run(): Promise<void> {
    const { rate } = this.#config;
    const { clock } = this.#context;
    const pacer = rate > 0 ? new Pacer(rate, clock) : undefined;
    const { signal } = this.#stop;
    for (let made = 1; !signal.aborted; made += 1) {
      if (made % eventsPerTurn === 0) await new Promise((resume) => setImmediate(resume));
      if (pacer) await untilDue(pacer, signal);
      else await awaitOrAbort(this.#context.room(), signal);
      if (signal.aborted) return;
      if (!this.#emitNext()) {
        this.#isOver = true;
        return this.#ended.resolve();
      }
    }
  }

  #emitNext(): boolean {
    const { observer } = this.#context;
    const made = this.#generator.next();
    if (made === undefined) return false;
    const { scenario, truth } = made;
    this.#context.emit(made.encode());
    observer.count("amoskys_synthetic_events_total", { scenario });
    if (truth) {
      this.#truth?.write(truth);
      observer.count("amoskys_synthetic_instances_total", { scenario });
    }
    return true;
  }
}

async function untilDue(pacer: Pacer, signal: AbortSignal): Promise<void> {
  for (let waitMs = pacer.waitMs(); waitMs > 0 && !signal.aborted; waitMs = pacer.waitMs()) {
    await pause(Math.min(waitMs, 1000), signal);
  }
}
