import { Worker } from "node:worker_threads";
import type { SpawnWorker, WorkerData, WorkerTask } from "../core/worker.ts";

/** What each worker task runs. */
const tasks: Readonly<Record<WorkerTask, (options: unknown) => Promise<void>>> = {
  capture: async (options) => (await import("../collectors/flow/index.ts")).runCaptureWorker(options),
  "log-writer": async (options) => (await import("../wal/index.ts")).runLogWriterWorker(options),
};

/** Runs the task a worker thread was started for. */
export async function runWorker(data: WorkerData): Promise<void> {
  await tasks[data.task](data.options);
}

/** Starts a worker thread of this executable: the same entry, which sees that it is a worker and dispatches. */
export const spawnWorker: SpawnWorker = (task, options) =>
  new Worker(Bun.main, { workerData: { task, options } satisfies WorkerData });
