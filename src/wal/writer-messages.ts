import { AmoskysError, type ErrorCode, errorClasses } from "../core/errors.ts";
import type { Labels, LogFields, LogLevel } from "../core/observer.ts";
import type { AppendResult } from "./append-batch.ts";
import type { PackedBatch } from "./batch-packing.ts";
import type { LogRecovery, LogStats, OpenLogOptions } from "./log-options.ts";

/** What crosses to the worker thread of a log: no functions. */
export type WorkerLogOptions = Omit<OpenLogOptions, "observer" | "clock" | "assertLocal">;

/** What the worker is asked, and what it answers to each. */
export interface WriterOperations {
  append: { request: PackedBatch; answer: AppendResult };
  setMeta: { request: { key: string; value: string }; answer: undefined };
  prune: { request: undefined; answer: number };
  compact: { request: { untilNs: bigint }; answer: number };
  stats: { request: undefined; answer: LogStats };
  checkpoint: { request: undefined; answer: undefined };
  close: { request: undefined; answer: undefined };
}

export type WriterOperation = keyof WriterOperations;

export interface WriterRequest<Operation extends WriterOperation = WriterOperation> {
  readonly id: number;
  readonly operation: Operation;
  readonly request: WriterOperations[Operation]["request"];
}

/** What the log was when it was opened. */
export interface OpenedLog {
  readonly path: string;
  readonly recovery: LogRecovery | undefined;
  readonly stats: LogStats;
  readonly meta: Readonly<Record<string, string>>;
}

/** A call of the Observer, to be made on the other side. */
export type ObserverCall =
  | readonly ["count", string, Labels | undefined, number | undefined]
  | readonly ["gauge", string, number, Labels | undefined]
  | readonly ["observe", string, number, Labels | undefined]
  | readonly ["log", LogLevel, string, LogFields | undefined];

/** An AmoskysError as plain data. */
export interface ErrorFacts {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

export type WriterMessage =
  | { readonly type: "opened"; readonly opened: OpenedLog }
  | { readonly type: "failed"; readonly error: ErrorFacts }
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "refusal"; readonly id: number; readonly error: ErrorFacts }
  | { readonly type: "observed"; readonly calls: readonly ObserverCall[] };

/** Takes an error apart, so that it can cross to another thread. */
export function errorFacts(caught: unknown): ErrorFacts {
  const { code, message, hint, details } = AmoskysError.from(caught);
  return { code, message, hint, details };
}

/** Makes the error again. */
export function errorOf({ code, message, hint, details }: ErrorFacts): AmoskysError {
  const options = hint === undefined ? { details } : { hint, details };
  return new AmoskysError(code in errorClasses ? code : "internal", message, options);
}
