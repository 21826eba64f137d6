import type { Clock } from "../core/clock.ts";
import type { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import { RatedLog } from "../core/rated-log.ts";
import type { LegacyForm, TrustMap } from "../identity/index.ts";
import type { EventHandler, ServiceHandlers } from "../transport/index.ts";
import type { LogReader, LogWriter } from "../wal/index.ts";
import type { Verdict } from "./ack-code.ts";
import type { BatchPlan } from "./batch-plan.ts";
import { type BusHealth, describeHealth } from "./bus-health.ts";
import { Committer } from "./committer.ts";
import { DiskGate } from "./disk-gate.ts";
import { FairQueue } from "./fair-queue.ts";
import { LegacyAdmission } from "./legacy-admission.ts";
import { LegacyLane } from "./legacy-lane.ts";
import { type BusLimits, defaultBusLimits } from "./limits.ts";
import { OverloadGate, type OverloadMode } from "./overload-gate.ts";
import { Publisher } from "./publisher.ts";
import { RateGate } from "./rate-gate.ts";
import { SealedAdmission } from "./sealed-admission.ts";
import { Sequencer } from "./sequencer.ts";
import { type BusFigures, createServices } from "./services.ts";
import { StoredRecords } from "./stored-records.ts";
import { StoredTotals } from "./stored-totals.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Tally } from "./tally.ts";
import { Unit } from "./unit.ts";

export interface BusOptions {
  readonly log: LogWriter;
  readonly reader: LogReader;
  /** The trust map in force; asked at every call. */
  readonly trust: () => TrustMap;
  /** For entries that do not say what forms of earlier agents they may send. */
  readonly legacyDefault: LegacyForm;
  readonly limits?: Partial<BusLimits>;
  readonly overload?: OverloadMode;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly version: string;
  /**
   * Bytes that the log's file system has left. Where that cannot be found out, be it undefined or an error, nothing is
   * taken.
   */
  readonly freeBytes: () => number | undefined;
  /** Open connections. */
  readonly connections: () => number;
  /** When the bus's own certificate ends, milliseconds since the Unix epoch; undefined, or an error: not known. */
  readonly certificateEndMs: () => number | undefined;
}

/** The bus behind its door. */
export interface Bus {
  readonly events: EventHandler;
  readonly services: ServiceHandlers;
  /** Resolves with the reason when the log failed for good: nothing is acknowledged from then on. */
  readonly failed: Promise<AmoskysError>;
  /** Events stored since the start. */
  readonly storedTotal: number;
  /** The trust map changed: open subscriptions look at their permission at once. */
  trustChanged(): void;
  setOverload(mode: OverloadMode): void;
  health(): BusHealth;
  /** Sets the gauges that are read rather than followed. */
  refreshGauges(): void;
  /** Does what time makes due; a timer of its own calls it. */
  tick(): void;
  /** Refuses new events with `draining`, answers those in flight, ends subscriptions; gives up after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>;
}

const tickMs = 100;
const drainLookMs = 5;
const draining: Verdict = { code: "draining", reason: "the bus is shutting down", hintMs: 2_000 };
const broken: Verdict = { code: "internal", reason: "the log of the bus failed", hintMs: 5_000 };

/** Builds the bus over an open log. It takes events at once; `drain` ends it. */
export function createBus(options: BusOptions): Bus {
  return new LogBus(options);
}

class LogBus implements Bus {
  readonly events: EventHandler;
  readonly services: ServiceHandlers;
  readonly failed: Promise<AmoskysError>;
  readonly #options: BusOptions;
  readonly #limits: BusLimits;
  readonly #sequencer: Sequencer;
  readonly #tally: Tally;
  readonly #committer: Committer;
  readonly #overload: OverloadGate;
  readonly #rates = new RateGate();
  readonly #disk: DiskGate;
  readonly #subscriptions: Subscriptions;
  readonly #totals: StoredTotals;
  readonly #stored: StoredRecords;
  /** What agents can cause as often as they like, told within a rate. */
  readonly #findings: RatedLog;
  readonly #timer: Timer;
  #draining = false;

  constructor(options: BusOptions) {
    const { log, reader, trust, clock, observer } = options;
    const limits = { ...defaultBusLimits, ...options.limits };
    const failed = Promise.withResolvers<AmoskysError>();
    const lane = new LegacyLane();
    const stored = new StoredRecords(reader);
    this.#stored = stored;
    this.#findings = new RatedLog(observer, clock);
    this.#options = options;
    this.#limits = limits;
    this.failed = failed.promise;
    this.#sequencer = new Sequencer(limits, clock, reader);
    this.#tally = new Tally(observer);
    this.#overload = new OverloadGate(limits, clock, options.overload ?? "auto");
    this.#disk = new DiskGate({ freeBytes: options.freeBytes, lowBytes: limits.diskLowBytes, clock });
    this.#subscriptions = new Subscriptions({ reader, trust, limits, clock, observer });
    this.#totals = new StoredTotals(clock, log.opened.stats.lastCommitMs);
    this.#committer = new Committer({
      append: (batch) => log.append(batch),
      sequencer: this.#sequencer,
      legacy: lane,
      limits,
      clock,
      lastReceivedNs: reader.records({ newestFirst: true, limit: 1 })[0]?.receivedNs ?? 0n,
      onCommit: (plan, ms) => this.#onCommit(plan, ms),
      onDiskFull: () => this.#disk.markFull(),
      onFailure: (error) => failed.resolve(error),
    });
    const publisher = new Publisher({
      trust,
      admissions: {
        sealed: new SealedAdmission(this.#sequencer, stored),
        legacy: new LegacyAdmission(lane, stored, options.legacyDefault),
      },
      overload: this.#overload,
      rates: this.#rates,
      disk: this.#disk,
      turns: new FairQueue(clock),
      clock,
      observer,
      tally: this.#tally,
      closed: () => (this.#committer.failure ? broken : this.#draining ? draining : undefined),
      onAdmitted: () => this.#committer.kick(),
      onAbandoned: (pending) => {
        if (pending instanceof Unit) this.#sequencer.withdraw(pending);
      },
    });
    this.events = (peer, method, bytes, signal) => publisher.publish(peer, method, bytes, signal);
    this.services = createServices({
      trust,
      clock,
      version: options.version,
      subscriptions: this.#subscriptions,
      health: () => this.health(),
      figures: () => this.#figures(),
    });
    this.#timer = setInterval(() => this.tick(), tickMs);
  }

  get storedTotal(): number {
    return this.#totals.stored;
  }

  trustChanged(): void {
    this.#subscriptions.wake();
  }

  setOverload(mode: OverloadMode): void {
    this.#overload.mode = mode;
  }

  tick(): void {
    this.#sequencer.tick();
    this.#rates.sweep(this.#options.clock.monotonicMs());
    this.#committer.kick();
  }

  health(): BusHealth {
    const { clock, connections } = this.#options;
    const { maxInflight, hardMax, diskLowBytes, memoryBytesMax } = this.#limits;
    return describeHealth({
      failure: this.#committer.failure?.message,
      draining: this.#draining,
      inflight: this.#overload.inflight,
      maxInflight,
      hardMax,
      storedTotal: this.#totals.stored,
      lastCommitMs: this.#totals.lastCommitMs,
      appendingMs: this.#committer.appendingMs(),
      commitFailure: this.#committer.lastFailure?.message,
      connections: connections(),
      freeBytes: this.#disk.freeBytes(),
      diskLowBytes,
      diskRefused: this.#disk.refusal() !== undefined,
      rssBytes: process.memoryUsage.rss(),
      rssBytesMax: memoryBytesMax,
      certificateEndMs: this.#certificateEndMs(),
      nowMs: clock.wallMs(),
    });
  }

  refreshGauges(): void {
    const { observer } = this.#options;
    observer.gauge("amoskys_bus_queue_depth", this.#overload.inflight);
    observer.gauge("amoskys_bus_epochs_held", this.#sequencer.held());
    observer.gauge("amoskys_bus_missing_sequences", this.#sequencer.missing());
    const freeBytes = this.#disk.freeBytes();
    if (freeBytes !== undefined) observer.gauge("amoskys_bus_disk_free_bytes", freeBytes);
    const endMs = this.#certificateEndMs();
    if (endMs !== undefined) observer.gauge("amoskys_bus_certificate_not_after_timestamp_seconds", endMs / 1000);
  }

  /** Health is answered also where the certificate's file cannot be read. */
  #certificateEndMs(): number | undefined {
    try {
      return this.#options.certificateEndMs();
    } catch {
      return undefined;
    }
  }

  async drain(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#draining = true;
    this.#subscriptions.close();
    const endMs = clock.monotonicMs() + deadlineMs;
    while (this.#overload.inflight > 0 && clock.monotonicMs() < endMs && !this.#committer.failure) {
      await new Promise((resolve) => setTimeout(resolve, drainLookMs));
      if (this.#committer.appendingMs() === 0 && !this.#sequencer.hasReady) this.#sequencer.dismiss(draining);
    }
    clearInterval(this.#timer);
  }

  #onCommit(plan: BatchPlan, ms: number): void {
    this.#stored.noteParked(plan.batch.records);
    const { observer } = this.#options;
    this.#totals.add(plan.recordCount);
    observer.observe("amoskys_bus_commit_duration_seconds", ms / 1000);
    observer.count("amoskys_bus_records_stored_total", {}, plan.recordCount);
    for (const finding of plan.findings) {
      const { agent, epoch } = finding.source;
      if (finding.type === "gap") {
        const { first, last } = finding;
        observer.count("amoskys_bus_gaps_total", { agent });
        this.#findings.log(`gap ${agent}`, "warn", "Sequences are missing", { agent, epoch, first, last });
      } else {
        observer.count("amoskys_bus_chain_breaks_total", { agent });
        const { sequence } = finding;
        const message = "An event names another signature before it";
        this.#findings.log(`chain ${agent}`, "warn", message, { agent, epoch, sequence });
      }
    }
    this.#subscriptions.noteStored();
  }

  #figures(): BusFigures {
    const { stats } = this.#options.log.opened;
    return {
      storedTotal: this.#totals.stored,
      storedPerSecond: this.#totals.perSecond(),
      connections: this.#options.connections(),
      load: this.#overload.load,
      metrics: {
        records: stats.records + this.#totals.stored,
        missing_sequences: this.#sequencer.missing(),
        refused: this.#tally.refused,
        inflight: this.#overload.inflight,
        subscribers: this.#subscriptions.count,
        overload_mode: this.#overload.mode,
        free_bytes: this.#disk.freeBytes() ?? "unknown",
        last_commit_ms: this.#totals.lastCommitMs,
      },
    };
  }
}
