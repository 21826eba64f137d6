import type { CollectorContext } from "../../core/collector.ts";
import { emitAll } from "../../core/emit-all.ts";
import { printable } from "../../core/escape.ts";
import { pause } from "../../core/pause.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import { thisHost } from "../../telemetry/index.ts";
import type { HostConfig } from "./config.ts";
import { hostTelemetry } from "./decode.ts";
import { type HostPart, type HostSample, hostParts, unansweredOutcomes } from "./host-sample.ts";
import { HostSource } from "./source.ts";

/** From the first sample to the second one, at most: there are no percentages and rates without two. */
const firstIntervalMs = 1000;

/** File systems that are named where some do not answer; the rest is a number. */
const namedMax = 3;
const nameLengthMax = 128;

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
  /** Parts that this host has shown. */
  readonly #known = new Set<HostPart>();
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
    await emitAll(this.#context, telemetry.build(), signal);
    observer.gauge("amoskys_host_metrics", this.#metrics);
    for (const part of hostParts) {
      observer.gauge("amoskys_host_missing_parts", now.missing.includes(part) ? 1 : 0, { part });
    }
    for (const outcome of unansweredOutcomes) {
      const count = now.unanswered.filter((one) => one.outcome === outcome).length;
      observer.gauge("amoskys_host_unanswered_file_systems", count, { outcome });
    }
  }

  describe(): RoundsReport {
    const last = this.#last;
    if (!last) return { message: "no sample yet", figures: {} };
    const { stat, disks, interfaces, fileSystems, unanswered } = last;
    const figures = {
      metrics: this.#metrics,
      processors: stat.processors.size,
      disks: disks.length,
      file_systems: fileSystems.length,
      unanswered_file_systems: unanswered.length,
      interfaces: interfaces.length,
    };
    const never = last.missing.filter((part) => !this.#known.has(part));
    const without = never.length > 0 ? `; not shown here: ${namesOf(never)}` : "";
    return { message: `${this.#metrics} metrics a round${without}`, degraded: this.#unseen(last), figures };
  }

  async #sample(): Promise<HostSample> {
    const sample = await this.#source.sample(() => this.#context.clock.monotonicMs());
    for (const part of hostParts) if (!sample.missing.includes(part)) this.#known.add(part);
    return sample;
  }

  /** What was there and is gone, and what is there and does not answer. A part that a host never had is no defect. */
  #unseen({ missing, unanswered }: HostSample): string {
    const gone = missing.filter((part) => this.#known.has(part));
    const found = gone.length > 0 ? [`no longer shown: ${namesOf(gone)}`] : [];
    if (unanswered.length > 0) {
      const named = unanswered.slice(0, namedMax).map(({ mount, errno }) => {
        return `${printable(mount.mountPoint.slice(0, nameLengthMax))} (${errno ?? "silent"})`;
      });
      const more = unanswered.length > namedMax ? ` and ${unanswered.length - namedMax} more` : "";
      found.push(`file systems that do not answer: ${named.join(", ")}${more}`);
    }
    return found.join("; ");
  }
}

function namesOf(parts: readonly HostPart[]): string {
  return parts.join(", ").replaceAll("_", " ");
}
