import type { Worker } from "node:worker_threads";
import type { CollectorContext } from "../../core/collector.ts";
import { AmoskysError } from "../../core/errors.ts";
import { createEventFd, type EventFd } from "../../native/index.ts";
import { otherFrameReasons } from "../../packet/index.ts";
import { BatchTaker } from "./batch-window.ts";
import {
  type CaptureFigures,
  type CaptureLimits,
  type CaptureMessage,
  type CaptureWorkerOptions,
  type InterfaceChange,
  thrownError,
} from "./capture-messages.ts";
import { type FlowFigures, flowEndReasons } from "./flow-figures.ts";
import type { CaptureSourceContext, CaptureSourceOptions, FlowSource, TakeFlows } from "./flow-source.ts";

const defaultLimits: CaptureLimits = { batchesMax: 64, bytesMax: 16 << 20, heldFlowsMax: 65_536 };

type LimitedOptions = CaptureSourceOptions & { readonly limits: CaptureLimits };
type CaptureContext = CaptureSourceContext & Pick<CollectorContext, "lose">;

/** What the thread needs beyond its deadline to unmap and close. */
const graceMs = 500;
const logLevels = { opened: "info", up: "info", down: "warn", removed: "warn", refused: "warn" } as const;

function noFlowFigures(): FlowFigures {
  const zeros = <Name extends string>(names: readonly Name[]) =>
    Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  return {
    ...zeros(["frames", "bytes", "endedPackets", "endedBytes", "activePackets", "activeBytes"]),
    ...zeros(["otherBytes", "ownPackets", "ownBytes", "flowsActive", "flowsCreated"]),
    otherFrames: zeros(otherFrameReasons),
    flowsEnded: zeros(flowEndReasons),
  };
}

/**
 * Flows from live interfaces: starts the capture thread and hands on what it posts, batch after batch. Its `stop` waits
 * until the thread has closed its rings; `start` throws what is missing of privileges, interfaces and kernel support.
 */
export function createCaptureSource(
  options: CaptureSourceOptions & { readonly limits?: CaptureLimits },
  context: CaptureContext,
  take: TakeFlows,
): FlowSource {
  return new CaptureSource({ limits: defaultLimits, ...options }, context, take);
}

class CaptureSource implements FlowSource {
  readonly done: Promise<void>;
  readonly #options: LimitedOptions;
  readonly #context: CaptureContext;
  readonly #take: TakeFlows;
  readonly #taker = new BatchTaker();
  readonly #ready = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #stopEvent: EventFd | undefined;
  #worker: Worker | undefined;
  #taking: Promise<void> = Promise.resolve();
  #figures: CaptureFigures | undefined;
  #dropsBefore = 0;
  #dropping = false;
  readonly #refused = new Map<string, string>();
  #failure: AmoskysError | undefined;
  #ended = false;
  #stopping: Promise<void> | undefined;

  constructor(options: LimitedOptions, context: CaptureContext, take: TakeFlows) {
    this.#options = options;
    this.#context = context;
    this.#take = take;
    this.done = this.#done.promise;
    // who does not wait for it learns of a failure from state()
    this.done.catch(() => {});
    this.#ready.promise.catch(() => {});
  }

  async start(): Promise<void> {
    this.#stopEvent = createEventFd();
    const workerOptions: CaptureWorkerOptions = {
      ...this.#options,
      stopFd: this.#stopEvent.fd,
      window: this.#taker.memory,
    };
    this.#worker = this.#context.spawnWorker("capture", workerOptions);
    this.#worker.on("message", (message: CaptureMessage) => this.#hear(message));
    this.#worker.on("error", (error) => this.#fail(AmoskysError.from(error)));
    this.#worker.on("exit", () => this.#onExit());
    await this.#ready.promise;
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#end(deadlineMs);
    return this.#stopping;
  }

  figures(): FlowFigures {
    return this.#figures?.flows ?? noFlowFigures();
  }

  state(): ReturnType<FlowSource["state"]> {
    if (this.#failure) return { status: "failed", message: this.#failure.message };
    if (!this.#figures) return { status: "degraded", message: "Opens its packet rings" };
    const { interfaces } = this.#figures;
    const names = (up: boolean) => interfaces.filter((one) => one.up === up).map(({ name }) => name);
    const [up, down] = [names(true), names(false)];
    const problems = [
      ...(down.length > 0 ? [`${down.join(", ")} is down`] : []),
      ...[...this.#refused].map(([name, reason]) => `${name} refused: ${reason}`),
      ...(this.#dropping ? ["the kernel drops packets, the ring is too small (flow.ring_bytes)"] : []),
    ];
    const captured =
      up.length > 0
        ? `Captures from ${up.join(", ")}: ${describeFlows(this.#figures.flows)}`
        : "Waits for an interface that is up";
    const status = up.length > 0 && problems.length === 0 ? "ok" : "degraded";
    return { status, message: [captured, ...problems].join("; ") };
  }

  extraFigures(): Readonly<Record<string, number>> {
    const { ring, interfaces, lostFlows } = this.#figures ?? { ring: undefined, interfaces: [], lostFlows: 0 };
    return {
      interfaces_up: interfaces.filter(({ up }) => up).length,
      kernel_packets: ring?.packets ?? 0,
      kernel_drops: ring?.drops ?? 0,
      ring_freezes: ring?.freezes ?? 0,
      loopback_copies: ring?.skipped ?? 0,
      lost_flows: lostFlows,
    };
  }

  #hear(message: CaptureMessage): void {
    switch (message.type) {
      case "ready":
        this.#learn(message.figures);
        this.#ready.resolve();
        break;
      case "flows":
        this.#taking = this.#taking.then(() => this.#handOn(message.batch));
        break;
      case "figures":
        this.#learn(message.figures);
        break;
      case "lost":
        this.#context.observer.count("amoskys_flow_capture_lost_flows_total", {}, message.count);
        this.#context.lose?.(message.count, message.startNs, message.endNs);
        break;
      case "interface":
        this.#follow(message.name, message.change, message.reason);
        break;
      case "failed":
        this.#fail(thrownError(message.error));
        break;
      case "ended":
        this.#ended = true;
        break;
    }
  }

  async #handOn(batch: Parameters<TakeFlows>[0]): Promise<void> {
    try {
      if (!this.#failure) await this.#take(batch);
    } catch (caught) {
      this.#fail(AmoskysError.from(caught));
      this.#stopEvent?.signal();
    } finally {
      this.#taker.took();
    }
  }

  #learn(figures: CaptureFigures): void {
    const { observer } = this.#context;
    const before = this.#figures?.ring ?? { packets: 0, drops: 0, freezes: 0 };
    observer.count("amoskys_flow_capture_packets_total", {}, figures.ring.packets - before.packets);
    observer.count("amoskys_flow_capture_drops_total", {}, figures.ring.drops - before.drops);
    observer.count("amoskys_flow_capture_freezes_total", {}, figures.ring.freezes - before.freezes);
    observer.gauge("amoskys_flow_capture_interfaces", figures.interfaces.filter(({ up }) => up).length);
    const dropping = figures.ring.drops > this.#dropsBefore;
    if (dropping && !this.#dropping) {
      observer.log("warn", "the kernel drops packets: the ring is too small", { drops: figures.ring.drops });
    }
    this.#dropping = dropping;
    this.#dropsBefore = figures.ring.drops;
    this.#figures = figures;
  }

  #follow(name: string, change: InterfaceChange, reason: string | undefined): void {
    this.#context.observer.log(logLevels[change], `interface ${change}`, {
      interface: name,
      ...(reason && { reason }),
    });
    if (change === "refused") this.#refused.set(name, reason ?? "");
    else this.#refused.delete(name);
  }

  #fail(error: AmoskysError): void {
    this.#failure ??= error;
    this.#ready.reject(this.#failure);
  }

  #onExit(): void {
    this.#stopEvent?.close();
    if (!this.#ended && !this.#failure) this.#fail(new AmoskysError("internal", "The capture thread ended by itself"));
    this.#exited.resolve();
    void this.#taking.then(() => {
      if (this.#failure) this.#done.reject(this.#failure);
      else this.#done.resolve();
    });
  }

  async #end(deadlineMs: number): Promise<void> {
    const worker = this.#worker;
    if (!worker) return this.#done.resolve();
    this.#taker.setDeadlineMs(deadlineMs);
    this.#stopEvent?.signal();
    if (await isWithin(this.#exited.promise, deadlineMs + graceMs)) {
      await isWithin(this.#taking, graceMs);
      return;
    }
    this.#fail(new AmoskysError("timeout", `The capture thread did not end within ${deadlineMs} ms`));
    await worker.terminate();
  }
}

/** Whether a promise settles within a time. */
async function isWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const within = await Promise.race([settled, late]);
  clearTimeout(timer);
  return within;
}

/** What there is to see, or what it waits for: a flow is told when it ends, not when it begins. */
function describeFlows({ frames, flowsActive, flowsEnded }: FlowFigures): string {
  if (frames === 0) return "waits for the first packet";
  const open = `${flowsActive} ${flowsActive === 1 ? "flow" : "flows"} open`;
  const hasEnded = Object.values(flowsEnded).some((flows) => flows > 0);
  return hasEnded ? open : `${open}, waits for the first to end`;
}
