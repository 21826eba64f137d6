import type { CollectorContext } from "../../core/collector.ts";
import { awaitOrAbort, pause } from "../../core/pause.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import { thisHost } from "../../telemetry/index.ts";
import type { HostConfig } from "./config.ts";
import { hostTelemetry } from "./decode.ts";
import type { HostSample } from "./host-sample.ts";
import { HostSource } from "./source.ts";

/** From the first sample to the second one, at most: there are no percentages and rates without two. */
const firstIntervalMs = 1000;

/** The collector `host`. */
export const hostCollector = definePollingCollector(
  "host",
  (options: PolledOptions<HostConfig>, context) => new HostRounds(options, context),
);

/** One sample after the other, each held against the one before. */
class HostRounds implements Rounds {
  readonly #config: HostConfig;
  readonly #context: CollectorContext;
  readonly #source: HostSource;
  readonly #firstMs: number;
  #last: HostSample | undefined;
  #isFirst = true;
  #metrics = 0;

  constructor({ config, once }: PolledOptions<HostConfig>, context: CollectorContext) {
    this.#config = config;
    this.#firstMs = once ? firstIntervalMs : Math.min(firstIntervalMs, (config.interval_s * 1000) / 2);
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
    const device = thisHost("host", "PROC", seconds * 1000);
    const telemetry = hostTelemetry(device, clock.wallNs(), { before, now, seconds }, this.#config);
    this.#metrics = telemetry.size;
    for (const event of telemetry.build()) {
      await awaitOrAbort(this.#context.room(), signal);
      this.#context.emit(event);
    }
    observer.gauge("amoskys_host_metrics", this.#metrics);
    for (const part of now.missing) observer.count("amoskys_host_missing_parts_total", { part });
  }

  describe(): RoundsReport {
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
