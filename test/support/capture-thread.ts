import { isMainThread, Worker, workerData } from "node:worker_threads";
import { runCaptureWorker } from "../../src/collectors/flow/capture-worker.ts";
import type { SpawnWorker, WorkerData } from "../../src/core/worker.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

const entry = new URL(import.meta.url).pathname;

/** Starts capture threads; with a namespace, inside of it. This file is also what they run. */
export function captureThreads(space?: NetworkNamespace): SpawnWorker {
  const spawn: SpawnWorker = (task, options) =>
    new Worker(entry, { workerData: { task, options } satisfies WorkerData });
  return space ? (task, options) => space.within(() => spawn(task, options)) : spawn;
}

if (!isMainThread && (workerData as WorkerData | undefined)?.task === "capture") {
  await runCaptureWorker((workerData as WorkerData).options);
}
