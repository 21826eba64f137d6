import { isMainThread, type MessagePort, parentPort } from "node:worker_threads";
import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import { unpackBatch } from "./batch-packing.ts";
import type { Log } from "./log.ts";
import { openLog } from "./open-log.ts";
import {
  errorFacts,
  type ObserverCall,
  type OpenedLog,
  type WorkerLogOptions,
  type WriterMessage,
  type WriterOperation,
  type WriterOperations,
  type WriterRequest,
} from "./writer-messages.ts";

type Handlers = {
  [Operation in WriterOperation]: (
    log: Log,
    request: WriterOperations[Operation]["request"],
  ) => WriterOperations[Operation]["answer"];
};

const handlers: Handlers = {
  append: (log, packed) => log.append(unpackBatch(packed)),
  setMeta: (log, { key, value }) => void log.setMeta(key, value),
  prune: (log) => log.prune(),
  compact: (log, { untilNs }) => log.compact(untilNs),
  stats: (log) => log.stats(),
  checkpoint: (log) => void log.checkpoint(),
  close: (log) => void log.close(),
};

/** Gathers what the log reports and sends it over in one message a turn of the loop. */
function forwardingObserver(port: MessagePort): Observer {
  let calls: ObserverCall[] = [];
  const add = (call: ObserverCall): void => {
    if (calls.length === 0) {
      queueMicrotask(() => {
        port.postMessage({ type: "observed", calls } satisfies WriterMessage);
        calls = [];
      });
    }
    calls.push(call);
  };
  return {
    count: (metric, labels, by) => add(["count", metric, labels, by]),
    gauge: (metric, value, labels) => add(["gauge", metric, value, labels]),
    observe: (metric, value, labels) => add(["observe", metric, value, labels]),
    log: (level, message, fields) => add(["log", level, message, fields]),
  };
}

function describe(log: Log): OpenedLog {
  const { path, recovery } = log;
  return { path, recovery, stats: log.stats(), meta: log.allMeta() };
}

/**
 * The worker thread's side of a LogWriter: opens one log and serves it in the order of the requests until it is told to
 * close it. `options` are what `createLogWriter` sent. Throws `internal` outside a worker thread.
 */
export async function runLogWriterWorker(options: unknown): Promise<void> {
  const port = parentPort;
  if (isMainThread || !port) throw new AmoskysError("internal", "a log writer runs in a worker thread alone");
  const send = (message: WriterMessage): void => port.postMessage(message);
  let log: Log;
  try {
    log = openLog({ ...(options as WorkerLogOptions), observer: forwardingObserver(port) });
    send({ type: "opened", opened: describe(log) });
  } catch (caught) {
    send({ type: "failed", error: errorFacts(caught) });
    port.close();
    return;
  }
  await new Promise<void>((resolve) => {
    port.on("message", ({ id, operation, request }: WriterRequest) => {
      try {
        const handle = handlers[operation] as (log: Log, request: unknown) => unknown;
        send({ type: "answer", id, answer: handle(log, request) });
      } catch (caught) {
        send({ type: "refusal", id, error: errorFacts(caught) });
      }
      if (operation === "close") resolve();
    });
  });
  port.close();
}
