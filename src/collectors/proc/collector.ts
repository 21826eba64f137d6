import type { CollectorContext } from "../../core/collector.ts";
import { awaitOrAbort } from "../../core/pause.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import { effectiveCapabilities } from "../../native/index.ts";
import { thisHost } from "../../telemetry/index.ts";
import type { ProcConfig } from "./config.ts";
import { monitored, type ProcessEventKind, processEvent, roundTelemetry } from "./decode.ts";
import { ProcessSource, type Round } from "./source.ts";
import type { TrackedProcess } from "./tracked-process.ts";

/** Events handed on before it is asked whether there is room for more. */
const eventsTogether = 256;

const hidepidHint = "run as root, or as a member of the group that the gid= option of the proc mount names";
const closedHint = "sudo amoskys, or a service with AmbientCapabilities=CAP_SYS_PTRACE";

/** The collector `proc`. */
export const procCollector = definePollingCollector(
  "proc",
  ({ config }: PolledOptions<ProcConfig>, context) => new ProcRounds(config, context),
);

/** One round after the other: looks, hands on what has changed, then the figures. */
class ProcRounds implements Rounds {
  readonly #config: ProcConfig;
  readonly #context: CollectorContext;
  readonly #source: ProcessSource;
  readonly #totals = { seen: 0, start: 0, exec: 0, exit: 0, vanished: 0 };
  #processes = 0;
  /** Processes whose file the kernel keeps from this user. */
  #closed = 0;
  #mayLookInside = true;
  #last: Round | undefined;
  readonly #told = new Set<string>();

  constructor(config: ProcConfig, context: CollectorContext) {
    this.#config = config;
    this.#context = context;
    this.#source = new ProcessSource(config);
  }

  open(): void {
    this.#source.open();
    this.#mayLookInside = effectiveCapabilities().has("CAP_SYS_PTRACE");
  }

  async round(signal: AbortSignal): Promise<void> {
    const { clock, observer } = this.#context;
    const round = await this.#source.look(() => clock.monotonicMs());
    const nowNs = clock.wallNs();
    this.#last = round;
    const all = [...this.#source.processes()];
    this.#processes = all.length;
    this.#closed = all.filter(({ facts }) => facts.isExeHidden).length;
    await this.#emitAll("exit", round.ended, nowNs, signal);
    await this.#emitAll(round.isFirst ? "seen" : "start", round.started, nowNs, signal);
    await this.#emitAll("exec", round.executed, nowNs, signal);
    const selected = all.filter(({ isSelected }) => isSelected);
    const telemetry = roundTelemetry({
      device: thisHost("proc", "PROC", this.#config.interval_s * 1000),
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
    observer.gauge("amoskys_proc_closed_processes", this.#closed);
    observer.count("amoskys_proc_vanished_total", {}, round.vanished);
    for (const { what, hint } of this.#unseen()) {
      if (this.#told.has(hint)) continue;
      this.#told.add(hint);
      observer.log("warn", `proc: ${what}`, { hint });
    }
  }

  describe(): RoundsReport {
    const round = this.#last;
    const figures = { processes: this.#processes, hidden: round?.hidden ?? 0, closed: this.#closed, ...this.#totals };
    if (!round) return { message: "no round yet", figures };
    const { started, ended } = round;
    const change = round.isFirst ? "" : `, ${started.length} started and ${ended.length} ended in the last round`;
    const unseen = this.#unseen().map(({ what }) => what);
    return { message: `${this.#processes} processes${change}`, degraded: unseen.join("; "), figures };
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
    const { room, emit } = this.#context;
    for (const [index, process] of processes.entries()) {
      if (index % eventsTogether === 0) await awaitOrAbort(room(), signal);
      emit(processEvent(kind, process, nowNs));
    }
    this.#totals[kind] += processes.length;
    this.#context.observer.count("amoskys_proc_events_total", { kind }, processes.length);
  }

  /** What is not seen for want of a privilege. */
  #unseen(): { readonly what: string; readonly hint: string }[] {
    const { hidden = 0, isPartial = false } = this.#last ?? {};
    const found = [];
    if (hidden > 0 || isPartial) {
      const what = hidden > 0 ? `${hidden} processes of others are hidden` : "processes of others are hidden";
      found.push({ what: `${what} (hidepid)`, hint: hidepidHint });
    }
    // with the capability, what is still closed is kept from everybody by a security module
    if (this.#closed > 0 && !this.#mayLookInside) {
      const what = `file and later executions of ${this.#closed} processes are not seen`;
      found.push({ what: `${what} (CAP_SYS_PTRACE is missing)`, hint: closedHint });
    }
    return found;
  }
}
