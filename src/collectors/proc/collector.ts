import { hostname } from "node:os";
import type { Collector, CollectorContext, CollectorDefinition, CollectorHealth } from "../../core/collector.ts";
import { createPollingCollector } from "../../core/polling-collector.ts";
import type { ProcConfig } from "./config.ts";
import { monitored, type ProcessEventKind, processEvent, roundTelemetry } from "./decode.ts";
import { ProcessSource, type Round } from "./source.ts";
import type { TrackedProcess } from "./tracked-process.ts";

/** What the collector is made from. */
export interface ProcCollectorOptions {
  readonly config: ProcConfig;
  readonly once: boolean;
}

/** The collector `proc`. */
export const procCollector: CollectorDefinition<ProcCollectorOptions> = {
  name: "proc",
  create: ({ config, once }, context) => {
    const rounds = new ProcRounds(config, context);
    return createPollingCollector({
      name: "proc",
      intervalMs: config.interval_s * 1000,
      once,
      clock: context.clock,
      observer: context.observer,
      open: async () => rounds.open(),
      round: (signal) => rounds.round(signal),
      describe: () => rounds.describe(),
    }) satisfies Collector;
  },
};

/** One round after the other: looks, hands on what has changed, then the figures. */
class ProcRounds {
  readonly #config: ProcConfig;
  readonly #context: CollectorContext;
  readonly #source: ProcessSource;
  readonly #totals = { seen: 0, start: 0, exec: 0, exit: 0, vanished: 0 };
  #processes = 0;
  #last: Round | undefined;
  #isToldOfHidden = false;

  constructor(config: ProcConfig, context: CollectorContext) {
    this.#config = config;
    this.#context = context;
    this.#source = new ProcessSource(config);
  }

  open(): void {
    this.#source.open();
  }

  async round(signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#context;
    const round = await this.#source.look(() => clock.monotonicMs());
    const nowNs = clock.wallNs();
    this.#last = round;
    const all = [...this.#source.processes()];
    this.#processes = all.length;
    await this.#emitAll("exit", round.ended, nowNs, signal);
    await this.#emitAll(round.isFirst ? "seen" : "start", round.started, nowNs, signal);
    await this.#emitAll("exec", round.executed, nowNs, signal);
    const selected = all.filter(({ isSelected }) => isSelected);
    const device = {
      deviceId: hostname(),
      deviceType: "ENDPOINT",
      protocol: "PROC",
      collector: "proc",
      intervalMs: this.#config.interval_s * 1000,
    } as const;
    const telemetry = roundTelemetry({
      device,
      nowNs,
      processes: selected,
      monitored: monitored(selected, this.#config),
      descriptors: (pid) => this.#source.descriptors(pid),
      residentBytes: (pid) => this.#source.residentBytes(pid),
    });
    for (const event of telemetry.build()) this.#context.emit(event);
    this.#totals.vanished += round.vanished;
    observer.gauge("amoskys_proc_processes", this.#processes);
    observer.gauge("amoskys_proc_hidden_processes", round.hidden);
    observer.count("amoskys_proc_vanished_total", {}, round.vanished);
    this.#tellOfHidden(round);
  }

  describe(): Pick<CollectorHealth, "message" | "figures"> {
    const round = this.#last;
    const figures = { processes: this.#processes, hidden: round?.hidden ?? 0, ...this.#totals };
    if (!round) return { message: "no round yet", figures };
    const { started, ended } = round;
    const change = round.isFirst ? "" : `, ${started.length} started and ${ended.length} ended in the last round`;
    return { message: `${this.#processes} processes${change}${hiddenText(round)}`, figures };
  }

  /**
   * Events wait for room; once the collector is to stop they no longer do, and the outbox counts what it cannot hold.
   */
  async #emitAll(
    kind: ProcessEventKind,
    processes: readonly TrackedProcess[],
    nowNs: bigint,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort);
    for (const process of processes) {
      if (!signal.aborted) await Promise.race([this.#context.room(), stopped]);
      this.#context.emit(processEvent(kind, process, nowNs));
    }
    signal.removeEventListener("abort", onAbort);
    this.#totals[kind] += processes.length;
    this.#context.observer.count("amoskys_proc_events_total", { kind }, processes.length);
  }

  #tellOfHidden(round: Round): void {
    if (this.#isToldOfHidden || hiddenText(round) === "") return;
    this.#isToldOfHidden = true;
    this.#context.observer.log("warn", `proc: processes of other users cannot be seen${hiddenText(round)}`, {
      hint: "run as root, or as a member of the group that the gid= option of the proc mount names",
    });
  }
}

function hiddenText({ hidden, isPartial }: Round): string {
  if (hidden > 0) return `, ${hidden} hidden (hidepid)`;
  return isPartial ? ", those of others hidden (hidepid)" : "";
}
