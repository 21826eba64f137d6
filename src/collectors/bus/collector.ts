import type { CollectorContext } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import type { BusProbe } from "./bus-probe.ts";
import type { BusConfig } from "./config.ts";
import type { BusSight } from "./decode.ts";
import { type Look, LookHistory } from "./look-history.ts";
import { lookEvents, newsLine } from "./look-telemetry.ts";

export interface BusCollectorOptions extends PolledOptions<BusConfig> {
  readonly probe: BusProbe;
}

/** The collector `bus`: the health of the bus, as events. */
export const busCollector = definePollingCollector(
  "bus",
  (options: BusCollectorOptions, context) => new BusWatch(options, context),
);

class BusWatch implements Rounds {
  readonly #options: BusCollectorOptions;
  readonly #context: CollectorContext;
  readonly #history: LookHistory;
  #look: Look | undefined;

  constructor(options: BusCollectorOptions, context: CollectorContext) {
    this.#options = options;
    this.#context = context;
    this.#history = new LookHistory(options.config.commit_age_max_s * 1000);
  }

  describe(): RoundsReport {
    const { probe } = this.#options;
    return {
      message: this.#look ? `${probe.address} ${this.#look.verdict.message}` : `asks ${probe.address}`,
      figures: { failed_looks: this.#look?.failedLooks ?? 0 },
    };
  }

  /** A bus without an answer is both: an event, since this collector is here to see it, and a failed round. */
  async round(signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#context;
    const { config, probe } = this.#options;
    const at = { wallNs: clock.wallNs(), monotonicMs: clock.monotonicMs() };
    const sight = await this.#ask(signal, at.monotonicMs);
    if (signal.aborted) return;
    const look = this.#history.add(sight, at);
    this.#look = look;
    for (const event of lookEvents(look, { address: probe.address, intervalMs: config.interval_s * 1000 })) emit(event);
    this.#report(look);
    if (!sight.reached) throw sight.error;
  }

  async #ask(signal: AbortSignal, startedMs: number): Promise<BusSight> {
    const { clock } = this.#context;
    const { config, probe } = this.#options;
    const deadline = AbortSignal.timeout(config.timeout_s * 1000);
    try {
      const answer = await probe.ask(AbortSignal.any([signal, deadline]));
      return { reached: true, answer, latencyMs: clock.monotonicMs() - startedMs };
    } catch (caught) {
      return { reached: false, error: deadline.aborted ? this.#late(caught) : AmoskysError.from(caught) };
    }
  }

  #late(cause: unknown): AmoskysError {
    const { config, probe } = this.#options;
    const message = `The bus at ${probe.address} did not answer within ${config.timeout_s} s`;
    return new AmoskysError("timeout", message, { hint: "amoskys bus status", cause });
  }

  #report(look: Look): void {
    const { observer } = this.#context;
    const { sight, verdict } = look;
    observer.gauge("amoskys_busagent_bus_up", sight.reached ? 1 : 0);
    observer.gauge("amoskys_busagent_unanswered_seconds", look.unansweredMs / 1000);
    if (!sight.reached) {
      observer.count("amoskys_busagent_failed_looks_total");
      return;
    }
    observer.observe("amoskys_busagent_round_trip_seconds", sight.latencyMs / 1000);
    const isFirstAndWell = look.before === undefined && !look.isRestarted && verdict.severity === "INFO";
    if (!look.isNews || isFirstAndWell) return;
    observer.log(
      verdict.severity === "INFO" ? "info" : "warn",
      `bus: ${this.#options.probe.address} ${newsLine(look)}`,
    );
  }
}
