import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { CollectedEvent } from "../core/event.ts";
import type { Observer } from "../core/observer.ts";
import {
  envelopeBytesMax,
  leafOverheadBytesMax,
  payloadBytesMax,
  type Signer,
  treeBytesMax,
  treeLeavesMax,
} from "../envelope/index.ts";
import type { Log, StoredGroup } from "../wal/index.ts";
import { type Commit, Committer, type ParkedNotice } from "./committer.ts";
import { EventQueue } from "./event-queue.ts";
import { type Loss, type LossReason, LossTally } from "./loss-tally.ts";
import { RoomWaiters } from "./room-waiters.ts";
import { systemTimer, type Timer } from "./timer.ts";

export interface OutboxOptions {
  readonly log: Log;
  readonly signer: Signer;
  readonly observer: Observer;
  readonly clock: Clock;
  /** What the log's records may take; at the limit the oldest groups are shed. */
  readonly budgetBytes: number;
  /** Events that may wait for the next commit. Default 16,384. */
  readonly queueEventsMax?: number;
  /** Payload bytes that may wait for the next commit. Default 16 MiB. */
  readonly queueBytesMax?: number;
  /** The largest envelope that the bus takes. Default and at most 131,072. */
  readonly eventBytesMax?: number;
  /** How long to wait before a full disk is tried again. Default 1 s. */
  readonly diskRetryMs?: number;
  readonly timer?: Timer;
}

/** What the outbox holds and did since it was created. */
export interface OutboxFigures {
  /** Events that wait for a commit. */
  readonly queued: number;
  /** Events made durable. */
  readonly stored: number;
  /**
   * Events lost, by any reason. Each is declared as soon as the log can be written; what never could be until the stop
   * is told there, in one line.
   */
  readonly lost: number;
  /** The last sequence given in the current epoch: everything that was produced, with what the log says of itself. */
  readonly highest: number;
}

/** Makes a collector's events durable: a bounded queue in front, group commits behind it. */
export interface Outbox {
  /** The agent that signs. */
  readonly agent: string;
  /** The epoch that new events belong to, 16 hexadecimal digits. */
  readonly epoch: string;
  /** Never blocks and never throws: what finds no room is counted and declared lost. */
  emit(event: CollectedEvent): void;
  /** Resolves when there is room for more: in the queue and in the log. */
  room(): Promise<void>;
  /** Declares events lost that never came to `emit`, with the stamps of the first and the last. */
  lose(loss: Loss): void;
  /** Tells the bus by a signed record that one it refused is kept aside; resolves once that is durable. */
  park(notice: ParkedNotice): Promise<void>;
  /**
   * Drops a group that can no longer be sent as it was sealed; what was pending of it is declared lost. Answers false
   * where the disk is full: it is still there.
   */
  dropDamaged(group: StoredGroup): boolean;
  /** Calls `listener` after each commit. */
  onCommit(listener: (commit: Commit) => void): void;
  /** Groups that must not be shed now; asked when shedding is needed. */
  keepGroups(groupIds: () => Iterable<number>): void;
  /** Groups with loss and parked records that were there at the start; they may overtake the others. */
  readonly foundControlGroupIds: readonly number[];
  /** The bus has all of these groups; there may be room again. */
  delivered(groupIds: Iterable<number>): void;
  /** Whether the queue or the log is nearly full, or the disk is. */
  readonly isPressed: boolean;
  /** Whether the last commit found no space on the disk. */
  readonly isDiskFull: boolean;
  /** Resolves with the error that ended it: the log cannot be written any more. */
  readonly failed: Promise<AmoskysError>;
  /** Resolves when everything that was emitted before is durable; rejects where the log cannot be written any more. */
  flush(): Promise<void>;
  /**
   * Takes no more events and flushes what it has; gives up after `deadlineMs`. What the log does not hold then, no
   * record will ever declare: its number is logged, and counted as lost to the disk.
   */
  stop(deadlineMs: number): Promise<void>;
  figures(): OutboxFigures;
}

/** Creates the outbox of a log. Throws `identity_invalid` where the log holds undelivered events of another agent. */
export function createOutbox(options: OutboxOptions): Outbox {
  return new LogOutbox(options);
}

interface Parking {
  readonly notice: ParkedNotice;
  readonly resolve: () => void;
}

class LogOutbox implements Outbox {
  readonly agent: string;
  readonly epoch: string;
  readonly foundControlGroupIds: readonly number[];
  readonly failed: Promise<AmoskysError>;
  readonly #options: OutboxOptions;
  readonly #timer: Timer;
  readonly #committer: Committer;
  readonly #queue: EventQueue;
  readonly #tally = new LossTally();
  readonly #room: RoomWaiters;
  readonly #listeners: ((commit: Commit) => void)[] = [];
  readonly #payloadBytesMax: number;
  #parking: Parking[] = [];
  #keep: () => Iterable<number> = () => [];
  #flushWaiters: { readonly resolve: () => void; readonly reject: (error: AmoskysError) => void }[] = [];
  #resolveFailed: (error: AmoskysError) => void = () => {};
  #failure: AmoskysError | undefined;
  #isScheduled = false;
  #isDiskFull = false;
  /** Until this timer nothing is tried. */
  #cancelRetry: (() => void) | undefined;
  #isStopped = false;
  #stored = 0;
  #lost = 0;
  /** Events that came after the end: no record tells of them. */
  #undeclared = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    const { log, budgetBytes, queueEventsMax = 16_384, queueBytesMax = 16 << 20 } = options;
    this.#timer = options.timer ?? systemTimer;
    this.#committer = new Committer(options);
    this.agent = options.signer.agent;
    this.epoch = this.#committer.epoch;
    this.foundControlGroupIds = this.#committer.foundControlGroupIds;
    this.#queue = new EventQueue({ eventsMax: queueEventsMax, bytesMax: queueBytesMax });
    this.#room = new RoomWaiters(log, budgetBytes, this.#queue);
    this.#payloadBytesMax = payloadBytesMax - (envelopeBytesMax - (options.eventBytesMax ?? envelopeBytesMax));
    this.failed = new Promise((resolve) => {
      this.#resolveFailed = resolve;
    });
    if (this.#committer.hasNotices) this.#schedule();
  }

  emit(event: CollectedEvent): void {
    if (this.#isStopped || this.#failure) {
      this.#undeclared += 1;
      this.#count("disk", 1);
      return;
    }
    if (event.payload.length > this.#payloadBytesMax) this.#lose("size", event);
    else if (!this.#queue.put(event)) this.#lose(this.#isDiskFull ? "disk" : "queue", event);
    this.#schedule();
  }

  room(): Promise<void> {
    return this.#failure ? Promise.resolve() : this.#room.wait();
  }

  lose(loss: Loss): void {
    if (loss.count <= 0) return;
    this.#tally.add(loss);
    this.#count(loss.reason, loss.count);
    this.#schedule();
  }

  park(notice: ParkedNotice): Promise<void> {
    return new Promise((resolve) => {
      this.#parking.push({ notice, resolve });
      this.#schedule();
    });
  }

  dropDamaged(group: StoredGroup): boolean {
    return this.#try(() => {
      const commit = this.#committer.dropDamaged(group);
      this.#count("damage", commit.shedEvents);
      this.#announce(commit);
    });
  }

  onCommit(listener: (commit: Commit) => void): void {
    this.#listeners.push(listener);
  }

  keepGroups(groupIds: () => Iterable<number>): void {
    this.#keep = groupIds;
  }

  delivered(groupIds: Iterable<number>): void {
    this.#committer.delivered(groupIds);
    this.#room.check();
  }

  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  get isPressed(): boolean {
    return this.#isDiskFull || this.#room.isPressed;
  }

  flush(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (!this.#hasWork) return Promise.resolve();
    this.#schedule();
    return new Promise((resolve, reject) => this.#flushWaiters.push({ resolve, reject }));
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopped = true;
    let cancel = () => {};
    const deadline = new Promise<void>((resolve) => {
      cancel = this.#timer.after(deadlineMs, resolve);
    });
    // a log that failed has told so by `failed`; what it does not hold is told here
    await Promise.race([this.flush().catch(() => {}), deadline]);
    cancel();
    this.#cancelRetry?.();
    this.#tellUndeclared();
  }

  figures(): OutboxFigures {
    const { highest } = this.#committer;
    return { queued: this.#queue.length, stored: this.#stored, lost: this.#lost, highest };
  }

  #tellUndeclared(): void {
    const queued = this.#queue.length;
    const events = queued + this.#tally.count + this.#undeclared;
    if (events === 0) return;
    this.#count("disk", queued);
    this.#queue.drop(queued);
    this.#tally.clear();
    this.#undeclared = 0;
    this.#options.observer.log("error", "events were lost and could not be declared: the log could not be written", {
      events,
    });
  }

  get #hasWork(): boolean {
    return this.#queue.length > 0 || !this.#tally.isEmpty || this.#parking.length > 0 || this.#committer.hasNotices;
  }

  #lose(reason: LossReason, { tsNs }: CollectedEvent): void {
    this.#tally.add({ reason, count: 1, startNs: tsNs, endNs: tsNs });
    this.#count(reason, 1);
  }

  #count(reason: LossReason, count: number): void {
    this.#lost += count;
    this.#options.observer.count("amoskys_agent_lost_events_total", { reason }, count);
  }

  /** One commit a turn of the event loop: what comes in meanwhile gathers for the next. */
  #schedule(): void {
    if (this.#isScheduled || this.#cancelRetry || this.#failure) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#try(() => this.#commitOnce());
    });
  }

  /** Answers whether it was written. */
  #try(write: () => void): boolean {
    if (this.#failure) return false;
    try {
      write();
    } catch (caught) {
      const error = AmoskysError.from(caught);
      if (error.code !== "disk_full") this.#fail(error);
      if (this.#failure) return false;
      this.#isDiskFull = true;
      this.#cancelRetry ??= this.#timer.after(this.#options.diskRetryMs ?? 1000, () => {
        this.#cancelRetry = undefined;
        this.#schedule();
      });
      return false;
    }
    this.#isDiskFull = false;
    if (this.#hasWork) this.#schedule();
    else for (const { resolve } of this.#flushWaiters.splice(0)) resolve();
    this.#room.check();
    return true;
  }

  #fail(error: AmoskysError): void {
    this.#failure = error;
    for (const { reject } of this.#flushWaiters.splice(0)) reject(error);
    this.#room.release();
    this.#resolveFailed(error);
  }

  #commitOnce(): void {
    if (!this.#hasWork) return;
    const { clock, observer } = this.#options;
    const startedMs = clock.monotonicMs();
    const events = this.#queue.peek(treeLeavesMax, treeBytesMax, leafOverheadBytesMax);
    const parking = this.#parking.slice(0, treeLeavesMax);
    const parked = parking.map(({ notice }) => notice);
    const keep = new Set(this.#keep());
    const request = { losses: this.#tally.losses(), parked, events };
    let commit = this.#committer.commit(request, keep);
    let stored = events.length;
    if (commit === "no_room") {
      for (const event of events) this.#lose("budget", event);
      this.#queue.drop(events.length);
      stored = 0;
      commit = this.#committer.commit({ losses: this.#tally.losses(), parked, events: [] }, keep) as Commit;
    } else {
      this.#queue.drop(events.length);
    }
    this.#tally.clear();
    this.#parking = this.#parking.slice(parking.length);
    for (const { resolve } of parking) resolve();
    this.#stored += stored;
    if (commit.shedEvents > 0) this.#count("budget", commit.shedEvents);
    observer.count("amoskys_agent_stored_events_total", undefined, stored);
    observer.observe("amoskys_agent_commit_duration_seconds", (clock.monotonicMs() - startedMs) / 1000);
    this.#announce(commit);
  }

  #announce(commit: Commit): void {
    for (const listener of this.#listeners) listener(commit);
  }
}
