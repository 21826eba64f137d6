import type { Collector, CollectorContext, CollectorDefinition } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import { createPollingCollector } from "../../core/polling-collector.ts";
import { TelemetryBuilder } from "../../telemetry/index.ts";
import type { BusProbe } from "./bus-probe.ts";
import type { BusConfig } from "./config.ts";
import { type BusSight, type BusVerdict, figure, judgeBus } from "./decode.ts";

export interface BusCollectorOptions {
  readonly config: BusConfig;
  readonly once: boolean;
  readonly probe: BusProbe;
}

/** The collector `bus`: the health of the bus, as events. */
export const busCollector: CollectorDefinition<BusCollectorOptions> = {
  name: "bus",
  create: (options, context) => new BusWatch(options, context).collector(),
};

class BusWatch {
  readonly #options: BusCollectorOptions;
  readonly #context: CollectorContext;
  #verdict: BusVerdict | undefined;
  #since: bigint;
  #failures = 0;
  #sample: { readonly atMs: number; readonly events: number } | undefined;

  constructor(options: BusCollectorOptions, context: CollectorContext) {
    this.#options = options;
    this.#context = context;
    this.#since = context.clock.wallNs();
  }

  collector(): Collector {
    const { config, once, probe } = this.#options;
    const { clock, observer } = this.#context;
    return createPollingCollector({
      name: "bus",
      intervalMs: config.interval_s * 1000,
      once,
      clock,
      observer,
      round: (signal) => this.#look(signal),
      describe: () => ({
        message: this.#verdict ? `${probe.address} ${this.#verdict.message}` : `Asks ${probe.address}`,
        figures: { failed_looks: this.#failures },
      }),
    });
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#context;
    const sight = await this.#ask(signal);
    if (signal.aborted) return;
    const verdict = judgeBus(sight, clock.wallMs(), this.#options.config.commit_age_max_s * 1000);
    for (const event of this.#describe(sight, verdict).build()) emit(event);
    if (verdict.status !== this.#verdict?.status) this.#since = clock.wallNs();
    this.#verdict = verdict;
  }

  /** A bus that cannot be reached is what this collector is for: it is an event, not a failed round. */
  async #ask(signal: AbortSignal): Promise<BusSight> {
    const { clock, observer } = this.#context;
    const startedMs = clock.monotonicMs();
    try {
      const answer = await this.#options.probe.ask(signal);
      return { reached: true, answer, latencyMs: clock.monotonicMs() - startedMs };
    } catch (caught) {
      this.#failures += 1;
      observer.count("amoskys_busagent_failed_looks_total");
      return { reached: false, reason: AmoskysError.from(caught).message };
    }
  }

  #describe(sight: BusSight, verdict: BusVerdict): TelemetryBuilder {
    const { config, probe } = this.#options;
    const { clock } = this.#context;
    const builder = new TelemetryBuilder(
      {
        deviceId: probe.address,
        deviceType: "ENDPOINT",
        protocol: "GRPC",
        collector: "bus",
        intervalMs: config.interval_s * 1000,
      },
      clock.wallNs(),
    );
    const previous = this.#verdict?.status;
    builder.status(verdict.severity, {
      componentName: "bus",
      status: verdict.status,
      previousStatus: previous ?? "",
      statusChangeTimeNs: previous === verdict.status ? this.#since : clock.wallNs(),
      healthStatus: verdict.status === "ONLINE" ? "HEALTHY" : verdict.severity === "WARN" ? "WARNING" : "CRITICAL",
      ...(sight.reached ? { responseTimeMs: sight.latencyMs, uptimeSeconds: sight.answer.uptimeSeconds } : {}),
    });
    builder.text("bus.state", verdict.message);
    builder.metric("bus.failed_looks", this.#failures, "1", { type: "COUNTER" });
    if (sight.reached) this.#addFigures(builder, sight);
    return builder;
  }

  #addFigures(builder: TelemetryBuilder, { answer, latencyMs }: Extract<BusSight, { reached: true }>): void {
    const throughput = this.#throughput(answer.eventsTotal);
    builder
      .metric("bus.latency", latencyMs / 1000, "s")
      .metric("bus.connections", answer.connections, "1")
      .metric("bus.load", answer.load * 100, "percent")
      .metric("bus.events", answer.eventsTotal, "1", { type: "COUNTER" });
    if (throughput !== undefined) builder.metric("bus.throughput", throughput, "1/s");
    const figures = [
      ["bus.queue_depth", "inflight", "1"],
      ["bus.subscribers", "subscribers", "1"],
      ["bus.log.records", "records", "1"],
      ["bus.log.free", "free_bytes", "bytes"],
      ["bus.log.missing_sequences", "missing_sequences", "1"],
    ] as const;
    for (const [name, key, unit] of figures) {
      const value = figure(answer, key);
      if (value !== undefined) builder.metric(name, value, unit);
    }
  }

  /** Events a second since the look before; unknown at the first one, and after the bus has started anew. */
  #throughput(events: number): number | undefined {
    const atMs = this.#context.clock.monotonicMs();
    const before = this.#sample;
    this.#sample = { atMs, events };
    if (!before || events < before.events || atMs <= before.atMs) return undefined;
    return ((events - before.events) * 1000) / (atMs - before.atMs);
  }
}
