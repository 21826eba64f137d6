import type { Worker } from "node:worker_threads";

/** The tasks that run in a worker thread; roles keep the registry that main.ts dispatches from. */
export type WorkerTask = "capture" | "log-writer";

/** What every worker thread finds in its `workerData`. */
export interface WorkerData {
  readonly task: WorkerTask;
  /** Structured-clonable arguments of the task. */
  readonly options: unknown;
}

/** Starts a worker thread of this executable. Injected into rooms, which know neither the entry nor the registry. */
export type SpawnWorker = (task: WorkerTask, options: unknown) => Worker;
