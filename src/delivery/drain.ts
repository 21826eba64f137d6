import { AmoskysError } from "../core/errors.ts";
import type { Lifecycle } from "../core/lifecycle.ts";
import { type AgentState, agentState } from "./agent-state.ts";
import { type DrainOptions, defaultBackoff, inFlightDefault } from "./drain-options.ts";
import { Pace } from "./pace.ts";
import type { Parcel } from "./parcel.ts";
import { Parking } from "./parking.ts";
import { Probe } from "./probe.ts";
import { type PublishAnswer, Publisher } from "./publisher.ts";
import { askedToWait, identityRefused } from "./refusal.ts";
import { SendQueue } from "./send-queue.ts";
import { SendRate } from "./send-rate.ts";
import { Settler } from "./settler.ts";
import type { PublishResult } from "./signature-judge.ts";
import { systemTimer, type Timer } from "./timer.ts";
import { Trouble } from "./trouble.ts";
import { Wake } from "./wake.ts";

/** Brings what the log holds to the bus and settles it by the bus's answers. */
export interface Drain extends Lifecycle {
  readonly state: AgentState;
  /** When the bus acknowledged something last, milliseconds since the Unix epoch; undefined: not since the start. */
  readonly lastAckMs: number | undefined;
  /** Why the last try failed; undefined when it did not. */
  readonly lastError: AmoskysError | undefined;
  /** Resolves when nothing that was emitted waits for the bus any more; rejects where the log failed before. */
  settledAll(): Promise<void>;
  /** Resolves with the error that ended it: the log cannot be written any more. */
  readonly failed: Promise<AmoskysError>;
}

/** Creates the drain of a log; nothing is sent before `start`. */
export function createDrain(options: DrainOptions): Drain {
  return new LogDrain(options);
}

class LogDrain implements Drain {
  readonly failed: Promise<AmoskysError>;
  readonly #options: DrainOptions;
  readonly #timer: Timer;
  readonly #publisher: Publisher;
  readonly #queue: SendQueue;
  readonly #settler: Settler;
  readonly #pace: Pace;
  readonly #rate: SendRate;
  readonly #abort = new AbortController();
  readonly #parking: Parking;
  readonly #trouble: Trouble;
  readonly #probe: Probe;
  readonly #wake: Wake;
  #inFlight = 0;
  #isStarted = false;
  #isStopping = false;
  #isClosed = false;
  #giveUp: () => void = () => {};
  #isMet = false;
  #failure: AmoskysError | undefined;
  #resolveFailed: (error: AmoskysError) => void = () => {};
  #settledWaiters: { readonly resolve: () => void; readonly reject: (error: AmoskysError) => void }[] = [];
  #lastAckMs: number | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
    const { log, outbox, client, clock, observer, random, inFlightMax = inFlightDefault, diskRetryMs = 1000 } = options;
    this.#timer = options.timer ?? systemTimer;
    this.#publisher = new Publisher(client);
    this.#pace = new Pace({ clock, random, ...defaultBackoff, ...options.backoff });
    this.#rate = new SendRate(options.sendRate ?? 0, clock);
    this.#queue = new SendQueue({
      log,
      parcelsMax: inFlightMax,
      dropDamaged: (group) => outbox.dropDamaged(group),
    });
    this.#settler = new Settler({
      log,
      timer: this.#timer,
      diskRetryMs,
      onSaved: (groupIds) => this.#saved(groupIds),
      onFailed: (error) => this.#fail(error),
    });
    this.#parking = new Parking({ log, outbox, observer, clock, settler: this.#settler });
    this.#trouble = new Trouble(observer, clock);
    this.#probe = new Probe(client, clock);
    this.#wake = new Wake(this.#timer, () => this.#pump());
    this.failed = new Promise((resolve) => {
      this.#resolveFailed = resolve;
    });
    outbox.keepGroups(() => this.#keptGroupIds());
  }

  get state(): AgentState {
    return agentState({
      started: this.#isStarted,
      stopping: this.#isStopping,
      held: this.#failure !== undefined || this.#pace.isHeld,
      failures: this.#pace.failures,
      retryMax: this.#options.retryMax ?? 6,
      askedToWait: this.#pace.isAskedToWait,
      pressed: this.#options.outbox.isPressed,
      met: this.#isMet,
    });
  }

  get lastAckMs(): number | undefined {
    return this.#lastAckMs;
  }

  get lastError(): AmoskysError | undefined {
    return this.#failure ?? this.#pace.error;
  }

  async start(): Promise<void> {
    const { outbox } = this.#options;
    this.#isStarted = true;
    this.#queue.overtake(outbox.foundControlGroupIds);
    outbox.onCommit(({ controlGroupIds, droppedGroupIds }) => {
      this.#queue.overtake(controlGroupIds);
      if (controlGroupIds.length > 0) this.#pace.explained();
      this.#queue.drop(droppedGroupIds);
      this.#wake.soon();
    });
    this.#wake.soon();
  }

  async settledAll(): Promise<void> {
    await this.#options.outbox.flush();
    if (this.#failure) throw this.#failure;
    if (this.#isSettled()) return;
    await new Promise<void>((resolve, reject) => this.#settledWaiters.push({ resolve, reject }));
  }

  /** Waits for acknowledgements as long as the bus gives any; what is left is sent after the next start. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (this.#isStarted && this.#pace.failures === 0) {
      let cancel = () => {};
      const deadline = new Promise<void>((resolve) => {
        cancel = this.#timer.after(deadlineMs, resolve);
        this.#giveUp = resolve;
      });
      await Promise.race([this.settledAll().catch(() => {}), deadline]);
      cancel();
    }
    this.#isClosed = true;
    this.#abort.abort();
    this.#wake.close();
    this.#settler.flush(true);
    this.#settler.stop();
  }

  #pump(): void {
    if (this.#failure || this.#settler.isFull || this.#parking.isFull) return;
    const waitMs = Math.max(this.#pace.waitMs(), this.#rate.waitMs());
    if (waitMs > 0) {
      this.#wake.after(waitMs);
      return;
    }
    const isProbing = this.#pace.failures > 0;
    for (const parcel of this.#queue.idle(isProbing)) {
      if (!isProbing && this.#inFlight >= (this.#options.inFlightMax ?? inFlightDefault)) break;
      void this.#send(parcel);
      const rateMs = this.#rate.waitMs();
      if (rateMs > 0) {
        this.#wake.after(rateMs);
        return;
      }
    }
    if (this.#inFlight === 0) this.#probeIfDue();
    this.#checkSettled();
  }

  #probeIfDue(): void {
    const { dueMs } = this.#probe;
    if (dueMs === undefined || this.#isStopping) return;
    if (dueMs > 0) this.#wake.after(dueMs);
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs();
    const error = await this.#probe.ask(this.#abort.signal);
    if (this.#isClosed) return;
    if (error) this.#failed(error, { startedMs });
    else this.#succeeded();
    this.#wake.soon();
  }

  async #send(parcel: Parcel): Promise<void> {
    const { clock, observer } = this.#options;
    const startedMs = clock.monotonicMs();
    parcel.inFlight = true;
    this.#inFlight += 1;
    this.#rate.spend(parcel.pendingCount);
    try {
      const answer = await this.#publisher.publish(parcel, this.#abort.signal);
      parcel.inFlight = false;
      this.#inFlight -= 1;
      if (this.#isClosed) return;
      observer.observe("agent_publish_latency_ms", clock.monotonicMs() - startedMs);
      this.#apply(parcel, answer, startedMs);
      this.#wake.soon();
    } catch (caught) {
      this.#fail(AmoskysError.from(caught));
    }
  }

  #apply(parcel: Parcel, answer: PublishAnswer, startedMs: number): void {
    const byClass = Map.groupBy(answer.results, ({ ackClass }) => ackClass);
    const done = byClass.get("done") ?? [];
    const refused = byClass.get("record") ?? [];
    for (const result of done) this.#settle(parcel, result);
    for (const { item, ...refusal } of refused) this.#parking.park(item, refusal, parcel.finish(item));
    if (done.length > 0) {
      this.#lastAckMs = this.#options.clock.wallMs();
      this.#options.observer.count("agent_publish_ok_total", undefined, done.length);
    }
    if (done.length + refused.length > 0) this.#succeeded();
    const problem = problemOf(answer, this.#options.outbox.agent);
    if (problem && isEarly(problem) && !this.#queue.isHead(parcel)) parcel.isHeldBack = true;
    else if (problem) this.#toRetry(parcel, problem, { startedMs, ...answer });
    else if (answer.hintMs > 0) this.#pace.slowed(answer.hintMs);
    if (parcel.pendingCount === 0) this.#queue.remove(parcel);
  }

  #settle(parcel: Parcel, { item, code }: PublishResult): void {
    const { group, record } = item;
    this.#settler.add(group.id, { id: record.id, state: "settled", code, reason: "" });
    if (parcel.finish(item)) this.#settler.finish(group.id);
  }

  #toRetry(parcel: Parcel, error: AmoskysError, how: { startedMs: number; hintMs: number }): void {
    const { clock, observer } = this.#options;
    this.#failed(error, { ...how, asked: error.details.code !== undefined && error.code === "unreachable" });
    observer.count("agent_publish_retry_total");
    const [waiting] = parcel.items();
    if (waiting) this.#settler.tried(waiting.group.id, String(error.details.code ?? error.code), clock.wallMs());
  }

  #succeeded(): void {
    this.#isMet = true;
    this.#probe.heard();
    this.#pace.succeeded();
    this.#trouble.over();
  }

  #failed(error: AmoskysError, how: { startedMs: number; hintMs?: number; asked?: boolean }): void {
    if (error.code === "unreachable" && !how.asked) this.#publisher.forget();
    this.#trouble.tell(error);
    this.#pace.failed(error, how);
    this.#giveUp();
  }

  #saved(groupIds: readonly number[]): void {
    const { outbox } = this.#options;
    outbox.delivered(groupIds);
    if (outbox.isPressed) this.#settler.flush(true);
    this.#wake.soon();
  }

  #keptGroupIds(): number[] {
    return [...this.#queue.inFlightGroupIds(), ...this.#settler.groupIds(), ...this.#parking.groupIds()];
  }

  #isSettled(): boolean {
    return this.#settler.isEmpty && this.#parking.isEmpty && this.#options.log.stats().pending === 0;
  }

  #checkSettled(): void {
    if (this.#settledWaiters.length === 0 || !this.#isSettled()) return;
    this.#settler.flush(true);
    for (const { resolve } of this.#settledWaiters.splice(0)) resolve();
  }

  #fail(error: AmoskysError): void {
    if (this.#failure || this.#isClosed) return;
    this.#failure = error;
    this.#wake.close();
    for (const { reject } of this.#settledWaiters.splice(0)) reject(error);
    this.#resolveFailed(error);
  }
}

/** Why records of a parcel stay; undefined where none has to. A fault of identity counts more than others. */
function problemOf(answer: PublishAnswer, agent: string): AmoskysError | undefined {
  const identity = answer.results.find(({ ackClass }) => ackClass === "identity");
  if (identity) return identityRefused(agent, identity.code, identity.reason);
  if (answer.failure) return answer.failure;
  const wait = answer.results.find(({ ackClass }) => ackClass === "wait");
  return wait && askedToWait(wait.code, wait.reason);
}

/** Whether the bus wants other events of ours first. */
function isEarly(problem: AmoskysError): boolean {
  return problem.details.code === "window_full";
}
