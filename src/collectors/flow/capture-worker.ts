import { parentPort } from "node:worker_threads";
import { type Clock, systemClock } from "../../core/clock.ts";
import { AmoskysError } from "../../core/errors.ts";
import { type LinkMonitor, openLinkMonitor, Poller, setThreadName } from "../../native/index.ts";
import { BatchWindow } from "./batch-window.ts";
import {
  type CaptureFigures,
  type CaptureMessage,
  type CaptureWorkerOptions,
  postedError,
} from "./capture-messages.ts";
import { CaptureRings } from "./capture-rings.ts";
import { createFlowEngine, type FlowEngine } from "./flow-engine.ts";

/** Blocks of a ring between two looks at the clock and at the end: some 10 ms of work. */
const blocksPerTurn = 4;
/** Flows wait for company at most this long, or until there are so many. */
const flushMs = 100;
const flushFlows = 1024;
const figuresMs = 1000;
/** Interfaces are looked at when the kernel tells of a change, and this often all the same. */
const rescanMs = 5000;
/** Frames are in sight at the latest twice the time of a block after their arrival; time stands this far back. */
const lagMs = 250;
/** How long the last blocks may take to be handed over after the rings were stopped. */
const ringDrainMsMax = 180;
const drainFlows = 8192;

type Post = (message: CaptureMessage, transfer?: ArrayBuffer[]) => void;

/** One capture, from the opening of its rings to their end. Blocks its thread. */
class Capture {
  readonly #options: CaptureWorkerOptions;
  readonly #post: Post;
  readonly #clock: Clock;
  readonly #engine: FlowEngine;
  readonly #rings: CaptureRings;
  readonly #window: BatchWindow;
  readonly #poller = new Poller();
  readonly #monitor: LinkMonitor;
  #flushedMs = 0;
  #figuresMs = 0;
  #scannedMs = 0;
  /** When an interface was up last; undefined once the flows were ended for want of one. */
  #upMs: number | undefined;
  #lost = { count: 0, startNs: 0n, endNs: 0n };
  #lostFlows = 0;

  constructor(options: CaptureWorkerOptions, post: Post, clock: Clock) {
    this.#options = options;
    this.#post = post;
    this.#clock = clock;
    this.#engine = createFlowEngine(options.engine);
    this.#window = new BatchWindow(options.window, options.limits);
    this.#rings = new CaptureRings({
      ...options,
      sink: this.#engine,
      report: (name, change, reason) =>
        post({ type: "interface", name, change, ...(reason !== undefined && { reason }) }),
    });
    this.#monitor = openLinkMonitor();
  }

  /** Captures until the end is signalled. */
  run(): void {
    try {
      this.#rings.openAll();
      this.#watch();
      this.#scannedMs = this.#clock.monotonicMs();
      this.#post({ type: "ready", figures: this.#figures() });
      while (!this.#turn()) {}
      this.#end();
    } finally {
      this.#rings.close();
      this.#monitor.close();
    }
  }

  #watch(): void {
    this.#poller.watch([this.#options.stopFd, this.#monitor.fd, ...this.#rings.fds()]);
  }

  /** One wait and what it brought; answers whether it is the end. */
  #turn(): boolean {
    this.#poller.wait(this.#waitMs());
    const walked = this.#rings.walk(blocksPerTurn);
    const failed = this.#rings.takeErrors(this.#poller);
    const nowMs = this.#clock.monotonicMs();
    if (this.#monitor.changed() || failed || nowMs - this.#scannedMs >= rescanMs) this.#rescan(nowMs);
    if (this.#rings.anyLeaving && this.#rings.closeLeft(nowMs)) this.#watch();
    this.#endFlowsOfNothing(nowMs);
    // while blocks wait, the time of their frames is the time
    if (walked === 0) this.#engine.advance(Math.floor((this.#clock.wallMs() - lagMs) / 1000));
    if (this.#engine.pending >= flushFlows || nowMs - this.#flushedMs >= flushMs) this.#flush(nowMs);
    if (nowMs - this.#figuresMs >= figuresMs) this.#tell(nowMs);
    return this.#poller.readable(this.#options.stopFd);
  }

  #waitMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const soon = this.#engine.pending > 0 || this.#rings.anyLeaving || (this.#upMs !== undefined && !this.#rings.anyUp);
    const untilFlush = soon ? this.#flushedMs + flushMs - nowMs : figuresMs;
    return Math.max(0, Math.ceil(Math.min(this.#figuresMs + figuresMs - nowMs, untilFlush)));
  }

  #rescan(nowMs: number): void {
    this.#scannedMs = nowMs;
    if (this.#rings.rescan(nowMs)) this.#watch();
    this.#tell(nowMs);
  }

  /** Ends all flows once when no interface is up any more and the last frames were seen. */
  #endFlowsOfNothing(nowMs: number): void {
    if (this.#rings.anyUp) this.#upMs = nowMs;
    else if (this.#upMs !== undefined && nowMs - this.#upMs >= lagMs) {
      this.#upMs = undefined;
      this.#endFlows();
    }
  }

  /**
   * Sends the flows that have ended, if the main thread keeps up. Otherwise they wait, up to a bound, or at the end for
   * `waitMs`; beyond that they are lost.
   */
  #flush(nowMs: number, waitMs?: number): void {
    this.#flushedMs = nowMs;
    const { pending } = this.#engine;
    if (pending === 0) return;
    const room = this.#window.waitForRoom(waitMs ?? 0);
    if (!room && waitMs === undefined && pending < this.#options.limits.heldFlowsMax) return;
    const batch = this.#engine.takeEvents();
    if (!room) {
      this.#lose(batch.tsNs, batch.count);
      return;
    }
    this.#window.sent(batch.bytes.byteLength);
    const parts = [batch.bytes, batch.ends, batch.tsNs] as const;
    this.#post({ type: "flows", batch }, [...new Set(parts.map(({ buffer }) => buffer as ArrayBuffer))]);
  }

  #lose(tsNs: BigUint64Array, count: number): void {
    let { startNs, endNs } = this.#lost;
    for (const ts of tsNs.subarray(0, count)) {
      if (startNs === 0n || ts < startNs) startNs = ts;
      if (ts > endNs) endNs = ts;
    }
    this.#lost = { count: this.#lost.count + count, startNs, endNs };
    this.#lostFlows += count;
  }

  #tell(nowMs: number): void {
    this.#figuresMs = nowMs;
    if (this.#lost.count > 0) this.#post({ type: "lost", ...this.#lost });
    this.#lost = { count: 0, startNs: 0n, endNs: 0n };
    this.#post({ type: "figures", figures: this.#figures() });
  }

  #figures(): CaptureFigures {
    return {
      flows: this.#engine.figures(),
      ring: this.#rings.statistics(),
      interfaces: this.#rings.interfaces(),
      lostFlows: this.#lostFlows,
    };
  }

  /** Ends every flow; at the end of all, waits for room for them until `untilMs` and then gives up the rest. */
  #endFlows(untilMs?: number): void {
    for (let some = true; some; ) {
      some = this.#engine.drain("shutdown", drainFlows);
      const nowMs = this.#clock.monotonicMs();
      this.#flush(nowMs, untilMs === undefined ? undefined : Math.max(0, untilMs - nowMs));
    }
  }

  #end(): void {
    const endMs = this.#clock.monotonicMs();
    this.#rings.stopReceiving();
    this.#poller.watch(this.#rings.fds());
    while (!this.#rings.drained() && this.#clock.monotonicMs() - endMs < ringDrainMsMax) {
      this.#poller.wait(10);
      this.#rings.takeErrors(this.#poller);
      this.#rings.walk(Number.POSITIVE_INFINITY);
    }
    this.#endFlows(endMs + this.#window.deadlineMs);
    this.#tell(this.#clock.monotonicMs());
    this.#post({ type: "ended" });
  }
}

/**
 * Runs in a worker thread: captures packets of interfaces, makes flows of them and posts what ended, until the eventfd
 * of its options is signalled. Then it hands over what the kernel still has, ends all flows, posts the rest, unmaps and
 * closes everything, and returns. Errors are posted, too.
 */
export async function runCaptureWorker(options: unknown): Promise<void> {
  const port = parentPort;
  if (!port) throw new AmoskysError("internal", "Capturing blocks its thread and runs in a worker thread only");
  const post: Post = (message, transfer) => port.postMessage(message, transfer ?? []);
  try {
    setThreadName("amoskys-capture");
    new Capture(options as CaptureWorkerOptions, post, systemClock).run();
  } catch (caught) {
    post({ type: "failed", error: postedError(caught) });
  }
}
