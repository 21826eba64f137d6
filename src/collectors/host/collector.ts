import { hostname } from "node:os";
import type { CollectorContext, CollectorDefinition, CollectorHealth } from "../../core/collector.ts";
import { createPollingCollector } from "../../core/polling-collector.ts";
import type { HostConfig } from "./config.ts";
import { hostTelemetry } from "./decode.ts";
import type { HostSample } from "./host-sample.ts";
import { HostSource } from "./source.ts";

/** From the first sample to the second one, at most: there are no percentages and rates without two. */
const firstIntervalMs = 1000;

/** What the collector is made from. */
export interface HostCollectorOptions {
  readonly config: HostConfig;
  readonly once: boolean;
}

/** The collector `host`. */
export const hostCollector: CollectorDefinition<HostCollectorOptions> = {
  name: "host",
  create: ({ config, once }, context) => {
    const intervalMs = config.interval_s * 1000;
    const rounds = new HostRounds(config, context, once ? firstIntervalMs : Math.min(firstIntervalMs, intervalMs / 2));
    return createPollingCollector({
      name: "host",
      intervalMs,
      once,
      clock: context.clock,
      observer: context.observer,
      open: () => rounds.open(),
      round: (signal) => rounds.round(signal),
      describe: () => rounds.describe(),
    });
  },
};

/** One sample after the other, each held against the one before. */
class HostRounds {
  readonly #config: HostConfig;
  readonly #context: CollectorContext;
  readonly #source: HostSource;
  readonly #firstMs: number;
  #last: HostSample | undefined;
  #isFirst = true;
  #metrics = 0;

  constructor(config: HostConfig, context: CollectorContext, firstMs: number) {
    this.#config = config;
    this.#firstMs = firstMs;
    this.#context = context;
    this.#source = new HostSource(config);
  }

  async open(): Promise<void> {
    this.#last = await this.#sample();
  }

  async round(signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#context;
    if (this.#isFirst) await pause(this.#firstMs, signal);
    this.#isFirst = false;
    if (signal.aborted) return;
    const now = await this.#sample();
    const before = this.#last ?? now;
    this.#last = now;
    const seconds = (now.atMs - before.atMs) / 1000;
    const device = {
      deviceId: hostname(),
      deviceType: "ENDPOINT",
      protocol: "PROC",
      collector: "host",
      intervalMs: seconds * 1000,
    } as const;
    const telemetry = hostTelemetry(device, clock.wallNs(), { before, now, seconds }, this.#config);
    this.#metrics = telemetry.size;
    for (const event of telemetry.build()) {
      await Promise.race([this.#context.room(), aborted(signal)]);
      this.#context.emit(event);
    }
    observer.gauge("amoskys_host_metrics", this.#metrics);
    for (const part of now.missing) observer.count("amoskys_host_missing_parts_total", { part });
  }

  describe(): Pick<CollectorHealth, "message" | "figures"> {
    const last = this.#last;
    if (!last) return { message: "no sample yet", figures: {} };
    const { stat, disks, interfaces, fileSystems, missing } = last;
    const figures = {
      metrics: this.#metrics,
      processors: stat.processors.size,
      disks: disks.length,
      file_systems: fileSystems.length,
      interfaces: interfaces.length,
    };
    const without = missing.length > 0 ? `; not shown here: ${missing.join(", ").replaceAll("_", " ")}` : "";
    return { message: `${this.#metrics} metrics a round${without}`, figures };
  }

  #sample(): Promise<HostSample> {
    return this.#source.sample(() => this.#context.clock.monotonicMs());
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([over, aborted(signal)]);
  clearTimeout(timer);
}
