import type { CollectorContext } from "../../core/collector.ts";
import { emitAll } from "../../core/emit-all.ts";
import type { CollectedEvent } from "../../core/event.ts";
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

const hidepidHint = "run as root, or as a member of the group that the gid= option of the proc mount names";
const closedHint = "sudo amoskys, or a service with AmbientCapabilities=CAP_SYS_PTRACE";

const unreadHint = "they are tried again in each round; EMFILE: a higher limit of open files (ulimit -n)";

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
  readonly #totals = { seen: 0, start: 0, exec: 0, exit: 0, vanished: 0, unread: 0 };
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
    const selected = all.filter(({ isSelected }) => isSelected);
    const telemetry = roundTelemetry({
      device: thisHost("proc", "PROC", this.#config.interval_s * 1000),
      nowNs,
      processes: selected,
      monitored: monitored(selected, this.#config),
      descriptors: (pid) => this.#source.descriptors(pid),
      residentBytes: (pid) => this.#source.residentBytes(pid),
    });
    await emitAll(this.#context, this.#changes(round, nowNs), signal);
    for (const event of telemetry.build()) this.#context.emit(event);
    this.#totals.vanished += round.vanished;
    observer.gauge("amoskys_proc_processes", this.#processes);
    observer.gauge("amoskys_proc_hidden_processes", round.hidden);
    observer.gauge("amoskys_proc_closed_processes", this.#closed);
    observer.count("amoskys_proc_vanished_total", {}, round.vanished);
    this.#totals.unread += round.unread;
    observer.count("amoskys_proc_unread_total", {}, round.unread);
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

  /** The events of a round; those of one kind are counted once all of them were taken. */
  *#changes({ ended, seen, started, executed }: Round, nowNs: bigint): Generator<CollectedEvent> {
    const kinds: readonly (readonly [ProcessEventKind, readonly TrackedProcess[]])[] = [
      ["exit", ended],
      ["seen", seen],
      ["start", started],
      ["exec", executed],
    ];
    for (const [kind, processes] of kinds) {
      for (const process of processes) yield processEvent(kind, process, nowNs);
      this.#totals[kind] += processes.length;
      this.#context.observer.count("amoskys_proc_events_total", { kind }, processes.length);
    }
  }

  /** What is not seen, for want of a privilege or because reading it failed. */
  #unseen(): { readonly what: string; readonly hint: string }[] {
    const { hidden = 0, isPartial = false, unread = 0, unreadErrno } = this.#last ?? {};
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
    if (unread > 0) found.push({ what: `${unread} processes could not be read (${unreadErrno})`, hint: unreadHint });
    return found;
  }
}
