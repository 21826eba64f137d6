import type { Collector, CollectorContext, CollectorDefinition, CollectorHealth } from "../../core/collector.ts";
import { atMost } from "../../core/pause.ts";
import { createFlowSource, type FlowCollectorOptions } from "./create-source.ts";
import { figuresByName, reportFigures } from "./figures-report.ts";
import type { FlowFigures } from "./flow-figures.ts";
import type { FlowBatch, FlowSource } from "./flow-source.ts";

const reportMs = 1000;

/** The collector `flow`. */
export const flowCollector: CollectorDefinition<FlowCollectorOptions> = {
  name: "flow",
  create: (options, context) => new FlowCollector(options, context),
};

class FlowCollector implements Collector {
  readonly done: Promise<void>;
  readonly #context: CollectorContext;
  readonly #source: FlowSource;
  /** Ends the wait for room of the batch that is being taken. */
  #goOn: () => void = () => {};
  #isImpatient = false;
  #reported: FlowFigures | undefined;
  #timer: Timer | undefined;

  constructor(options: FlowCollectorOptions, context: CollectorContext) {
    this.#context = context;
    this.#source = createFlowSource(options, context, (batch) => this.#take(batch));
    this.done = this.#source.done.finally(() => this.#finish());
    // whoever waits for `done` hears of a failure; nobody has to
    this.done.catch(() => {});
  }

  async start(): Promise<void> {
    await this.#source.start();
    this.#timer = setInterval(() => this.#report(), reportMs);
  }

  async stop(deadlineMs: number): Promise<void> {
    // flows that wait for room are handed on without it towards the end: the outbox counts what it cannot hold
    const timer = setTimeout(() => this.#hurry(), deadlineMs / 2);
    await this.#source.stop(deadlineMs);
    clearTimeout(timer);
    // a capture that ended early may have left flows that still wait for room
    this.#hurry();
    await atMost(
      deadlineMs / 2,
      this.done.catch(() => {}),
    );
    this.#finish();
  }

  health(): CollectorHealth {
    const figures = { ...figuresByName(this.#source.figures()), ...this.#source.extraFigures() };
    return { ...this.#source.state(), figures };
  }

  async #take({ bytes, ends, tsNs, count }: FlowBatch): Promise<void> {
    let start = 0;
    for (let i = 0; i < count; i += 1) {
      await this.#room();
      const end = ends[i] as number;
      this.#context.emit({ kind: "flow", tsNs: tsNs[i] as bigint, payload: bytes.subarray(start, end) });
      start = end;
    }
  }

  /** Batches are taken one after the other: at most one waits. */
  #room(): Promise<void> {
    if (this.#isImpatient) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#goOn = resolve;
    void this.#context.room().then(resolve);
    return promise;
  }

  #hurry(): void {
    this.#isImpatient = true;
    this.#goOn();
  }

  #report(): void {
    const figures = this.#source.figures();
    reportFigures(this.#context.observer, figures, this.#reported);
    this.#reported = figures;
  }

  #finish(): void {
    clearInterval(this.#timer);
    this.#report();
  }
}
