import type { CollectorContext } from "../../core/collector.ts";
import { pause } from "../../core/pause.ts";
import {
  definePollingCollector,
  type PolledOptions,
  type Rounds,
  type RoundsReport,
} from "../../core/polling-collector.ts";
import { readBootId } from "../../procfs/index.ts";
import { thisHost } from "../../telemetry/index.ts";
import type { SyscallConfig } from "./config.ts";
import { addRest, decodeInterval, type IntervalFigures } from "./decode.ts";
import { entityIdAt } from "./exec-event.ts";
import { ExecFeed } from "./exec-feed.ts";
import { intervalTelemetry, shortfallOf } from "./interval-telemetry.ts";
import { type RestFigures, type Shortfall, SyscallSource } from "./source.ts";

/** The collector `syscall`. */
export const syscallCollector = definePollingCollector(
  "syscall",
  (options: PolledOptions<SyscallConfig>, context) => new SyscallIntervals(options, context),
);

const nothingMissing: Shortfall = { unattributed: 0, uncounted: 0, lostExecs: 0 };

/** Reports what the kernel counted, interval by interval; executions are handed on in between. */
class SyscallIntervals implements Rounds {
  readonly #options: PolledOptions<SyscallConfig>;
  readonly #context: CollectorContext;
  readonly #source: SyscallSource;
  #feed: ExecFeed | undefined;
  #isOpen = false;
  #bootId = "";
  #isFirstRound = true;
  #sinceMs = 0;
  #reported = { shortfall: nothingMissing, rest: new Map<number, RestFigures>(), execs: 0 };
  readonly #totals = { calls: 0, errors: 0 };
  #last: { figures: IntervalFigures; ms: number; missing: Shortfall } | undefined;

  constructor(options: PolledOptions<SyscallConfig>, context: CollectorContext) {
    this.#options = options;
    this.#context = context;
    this.#source = new SyscallSource(options.config);
  }

  open(): void {
    const { clock, observer } = this.#context;
    this.#bootId = readBootId("/proc");
    this.#source.open();
    this.#isOpen = true;
    this.#sinceMs = clock.monotonicMs();
    const { execs, execFailure } = this.#source;
    const lostExecs = () => this.#source.shortfall().lostExecs;
    if (execs) this.#feed = new ExecFeed({ source: execs, bootId: this.#bootId, lostExecs }, this.#context);
    if (!execFailure) return;
    const { code, hint, details } = execFailure;
    observer.log("warn", `syscall: executions are not seen: ${execFailure.message}`, { code, hint, ...details });
  }

  /** The first round has nothing to tell yet, and where it is the only one, it waits for its interval. */
  async round(signal: AbortSignal): Promise<void> {
    const isFirst = this.#isFirstRound;
    this.#isFirstRound = false;
    if (isFirst && !this.#options.once) return;
    if (isFirst) await pause(this.#options.config.interval_s * 1000, signal);
    // what a stop interrupts is told by `close`
    if (signal.aborted) return;
    this.#report();
  }

  /** Tells what has come since the last round, then lets go of everything in the kernel. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await this.#feed?.finish();
      this.#report();
    } finally {
      this.#source.close();
    }
  }

  describe(): RoundsReport {
    const { unattributed, uncounted, lostExecs } = this.#reported.shortfall;
    const execs = this.#feed?.seen ?? 0;
    const figures = { ...this.#totals, unattributed, uncounted, execs, lost_execs: lostExecs };
    const failure = this.#source.execFailure ?? this.#feed?.failure;
    const unseen = failure ? [`executions are not seen: ${failure.message}`] : [];
    if (!this.#last) return { message: "counts system calls", degraded: unseen.join("; "), figures };
    const { ms, figures: last, missing } = this.#last;
    const seconds = Math.max(1, Math.round(ms / 1000));
    const { unattributed: apart } = missing;
    const without = apart > 0 ? `, ${apart} of them without their process (syscall.pairs_max)` : "";
    const message = `${last.all.calls} calls of ${last.processes} processes in ${seconds} s${without}`;
    return { message, degraded: [...unseen, ...shortfallOf(missing)].join("; "), figures };
  }

  #report(): void {
    const { clock, observer, emit } = this.#context;
    const interval = this.#source.takeInterval();
    const nowMs = clock.monotonicMs();
    const ms = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    const figures = decodeInterval(interval, this.#options.config);
    const shortfall = this.#source.shortfall();
    const before = this.#reported;
    const missing: Shortfall = {
      unattributed: shortfall.unattributed - before.shortfall.unattributed,
      uncounted: shortfall.uncounted - before.shortfall.uncounted,
      lostExecs: shortfall.lostExecs - before.shortfall.lostExecs,
    };
    const rest = missing.unattributed > 0 ? this.#addRest(figures) : before.rest;
    const execs = this.#feed?.seen ?? 0;
    this.#reported = { shortfall, rest, execs };
    this.#last = { figures, ms, missing };
    const bootId = this.#bootId;
    const telemetry = intervalTelemetry({
      device: thisHost("syscall", "BPF", ms),
      nowNs: clock.wallNs(),
      figures,
      missing,
      execs: execs - before.execs,
      entityId: (process, startNs) => entityIdAt(bootId, process, startNs),
    });
    for (const event of telemetry.build()) emit(event);
    this.#totals.calls += figures.all.calls;
    this.#totals.errors += figures.all.errors;
    observer.count("amoskys_syscall_calls_total", {}, figures.all.calls);
    observer.count("amoskys_syscall_unattributed_total", {}, missing.unattributed);
    observer.count("amoskys_syscall_uncounted_total", {}, missing.uncounted);
    observer.gauge("amoskys_syscall_pairs", figures.pairs);
  }

  /** Adds what the rest has gained since the last report. */
  #addRest(figures: IntervalFigures): Map<number, RestFigures> {
    const rest = this.#source.rest();
    for (const [slot, { calls, errors }] of rest) {
      const before = this.#reported.rest.get(slot) ?? { calls: 0, errors: 0 };
      addRest(figures, slot, { calls: calls - before.calls, errors: errors - before.errors });
    }
    return rest;
  }
}
