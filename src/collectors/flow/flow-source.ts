import type { CollectorContext } from "../../core/collector.ts";
import type { Lifecycle } from "../../core/lifecycle.ts";
import type { FlowEngineOptions } from "./flow-engine.ts";
import type { FlowFigures } from "./flow-figures.ts";

/**
 * Ended flows, ready to be handed on: serialized messaging.FlowEvent messages back to back. All buffers are
 * transferable.
 */
export interface FlowBatch {
  readonly bytes: Uint8Array;
  /** End offset in `bytes` of each message. */
  readonly ends: Uint32Array;
  /** For each flow the time of its last packet, nanoseconds since the Unix epoch. */
  readonly tsNs: BigUint64Array;
  readonly count: number;
}

/** Where flows come from: a file that is read, or interfaces that are captured from. */
export interface FlowSource extends Lifecycle {
  /** Resolves when the source has ended by itself, after its last batch; rejects when it failed. */
  readonly done: Promise<void>;
  /** The newest figures of the engine. */
  figures(): FlowFigures;
  /** One line for a person: what is read or captured, or what it waits for; and whether something is wrong. */
  state(): { readonly status: "ok" | "degraded" | "failed"; readonly message: string };
  /** Totals of its own beyond the engine's, such as packets the kernel dropped; names as in a health page. */
  extraFigures(): Readonly<Record<string, number>>;
}

/** What a source calls with ended flows. May answer a promise that resolves when there is room for more. */
export type TakeFlows = (batch: FlowBatch) => void | Promise<void>;

/** What the live source (`createCaptureSource(options, context, take)` of capture-source.ts) is made with. */
export interface CaptureSourceOptions {
  /** Interfaces by name; empty means all that are up, but the loopback. */
  readonly interfaces: readonly string[];
  /** Size of the packet ring of each interface. */
  readonly ringBytes: number;
  readonly promiscuous: boolean;
  readonly engine: FlowEngineOptions;
}

/** What the live source may use of the collector's context. */
export type CaptureSourceContext = Pick<CollectorContext, "observer" | "clock" | "spawnWorker">;
