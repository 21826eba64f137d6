import { AmoskysError, type ErrorCode } from "../../core/errors.ts";
import type { RingStatistics } from "../../native/index.ts";
import type { BatchWindowLimits } from "./batch-window.ts";
import type { FlowFigures } from "./flow-figures.ts";
import type { CaptureSourceOptions, FlowBatch } from "./flow-source.ts";

/** What may wait between the capture thread and the main thread. */
export interface CaptureLimits extends BatchWindowLimits {
  /** Ended flows the thread holds back while the main thread does not take batches; more are given up and declared. */
  readonly heldFlowsMax: number;
}

/** What the capture thread is started with; plain and shared data. */
export interface CaptureWorkerOptions extends CaptureSourceOptions {
  readonly limits: CaptureLimits;
  /** An eventfd of the main thread; once it is readable the thread ends. */
  readonly stopFd: number;
  /** Memory of a BatchWindow. */
  readonly window: SharedArrayBuffer;
}

/** One interface that is captured from. */
export interface CapturedInterface {
  readonly name: string;
  readonly index: number;
  /** An interface that is down stays listed: its first frame is waited for. */
  readonly up: boolean;
}

/** Totals since the thread started; rings that were closed meanwhile are included. */
export interface CaptureFigures {
  readonly flows: FlowFigures;
  readonly ring: RingStatistics;
  readonly interfaces: readonly CapturedInterface[];
  /** Flows that the main thread did not take in time. */
  readonly lostFlows: number;
}

export type InterfaceChange = "opened" | "up" | "down" | "removed" | "refused";

/** An AmoskysError on its way between threads. */
export interface PostedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What the capture thread says. */
export type CaptureMessage =
  | { readonly type: "ready"; readonly figures: CaptureFigures }
  | { readonly type: "flows"; readonly batch: FlowBatch }
  | { readonly type: "figures"; readonly figures: CaptureFigures }
  /** Flows lost because the main thread fell behind, with the times of the first and the last. */
  | { readonly type: "lost"; readonly count: number; readonly startNs: bigint; readonly endNs: bigint }
  | {
      readonly type: "interface";
      readonly name: string;
      readonly change: InterfaceChange;
      /** Why an interface was refused. */
      readonly reason?: string;
    }
  | { readonly type: "failed"; readonly error: PostedError }
  | { readonly type: "ended" };

/** The error as plain data. */
export function postedError(caught: unknown): PostedError {
  const { code, message, hint } = AmoskysError.from(caught);
  return { code, message, hint };
}

/** The error as it was thrown in the other thread. */
export function thrownError(posted: PostedError): AmoskysError {
  return new AmoskysError(posted.code, posted.message, posted.hint === undefined ? {} : { hint: posted.hint });
}
