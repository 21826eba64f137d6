import { dirname } from "node:path";
import { silentObserver } from "../core/observer.ts";
import type { SpawnWorker } from "../core/worker.ts";
import type { AppendBatch, AppendResult } from "./append-batch.ts";
import { packBatch } from "./batch-packing.ts";
import type { LogRecovery, LogStats, OpenLogOptions } from "./log-options.ts";
import { preparePath } from "./prepare-path.ts";
import { WorkerLine } from "./worker-line.ts";
import type { OpenedLog, WorkerLogOptions } from "./writer-messages.ts";

/**
 * A Log in a worker thread: a sync never blocks the event loop of its owner. Calls are served in their order. Errors as
 * with Log; when the worker ends by itself, everything that waits fails with `log_io`, and so does every later call.
 */
export interface LogWriter {
  readonly path: string;
  readonly recovery: LogRecovery | undefined;
  /** What was in the log when it was opened. */
  readonly opened: OpenedLog;
  append(batch: AppendBatch): Promise<AppendResult>;
  setMeta(key: string, value: string): Promise<void>;
  /** As Log.prune. */
  prune(): Promise<number>;
  /** As Log.compact. */
  compact(untilNs: bigint): Promise<number>;
  stats(): Promise<LogStats>;
  checkpoint(): Promise<void>;
  /** Closes the log and ends the worker. Safe twice. */
  close(): Promise<void>;
}

/** Opens a log in a worker thread. The clock cannot cross; `assertLocal` is called on this side. Throws as openLog. */
export async function createLogWriter(options: OpenLogOptions, spawnWorker: SpawnWorker): Promise<LogWriter> {
  const { observer = silentObserver, clock: _clock, assertLocal, ...rest } = options;
  const path = preparePath(options.path);
  assertLocal?.(dirname(path));
  const crossing: WorkerLogOptions = { ...rest, path };
  const line = new WorkerLine(path, spawnWorker("log-writer", crossing), observer);
  return new ThreadLogWriter(await line.opened, line);
}

class ThreadLogWriter implements LogWriter {
  readonly path: string;
  readonly recovery: LogRecovery | undefined;
  readonly opened: OpenedLog;
  readonly #line: WorkerLine;
  #closing: Promise<void> | undefined;

  constructor(opened: OpenedLog, line: WorkerLine) {
    this.path = opened.path;
    this.recovery = opened.recovery;
    this.opened = opened;
    this.#line = line;
  }

  append(batch: AppendBatch): Promise<AppendResult> {
    const packed = packBatch(batch);
    return this.#line.ask("append", packed, [packed.buffer]);
  }

  setMeta(key: string, value: string): Promise<void> {
    return this.#line.ask("setMeta", { key, value });
  }

  prune(): Promise<number> {
    return this.#line.ask("prune", undefined);
  }

  compact(untilNs: bigint): Promise<number> {
    return this.#line.ask("compact", { untilNs });
  }

  stats(): Promise<LogStats> {
    return this.#line.ask("stats", undefined);
  }

  checkpoint(): Promise<void> {
    return this.#line.ask("checkpoint", undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#line.ask("close", undefined);
    return this.#closing;
  }
}
