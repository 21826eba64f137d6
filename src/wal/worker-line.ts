import type { Worker } from "node:worker_threads";
import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import {
  errorOf,
  type ObserverCall,
  type OpenedLog,
  type WriterMessage,
  type WriterOperation,
  type WriterOperations,
} from "./writer-messages.ts";

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: AmoskysError): void;
}

// the place in #waiting of who waits for the log to be opened; requests count from 1
const openingId = 0;

/** The requests to one worker thread and its answers. A thread that ends fails whoever waits with `log_io`. */
export class WorkerLine {
  readonly opened: Promise<OpenedLog>;
  readonly #path: string;
  readonly #worker: Worker;
  readonly #observer: Observer;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = openingId;
  #ended: AmoskysError | undefined;

  constructor(path: string, worker: Worker, observer: Observer) {
    this.#path = path;
    this.#worker = worker;
    this.#observer = observer;
    this.opened = this.#wait<OpenedLog>(openingId);
    worker.on("message", (message: WriterMessage) => this.#receive(message));
    worker.on("error", (error) => this.#end(error));
    worker.on("exit", () => this.#end(undefined));
  }

  ask<Operation extends WriterOperation>(
    operation: Operation,
    request: WriterOperations[Operation]["request"],
    transfer: ArrayBuffer[] = [],
  ): Promise<WriterOperations[Operation]["answer"]> {
    if (this.#ended) return Promise.reject(this.#ended);
    this.#lastId += 1;
    const answer = this.#wait<WriterOperations[Operation]["answer"]>(this.#lastId);
    this.#worker.postMessage({ id: this.#lastId, operation, request }, transfer);
    return answer;
  }

  #wait<Answer>(id: number): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
    });
  }

  #receive(message: WriterMessage): void {
    switch (message.type) {
      case "opened":
        this.#take(openingId)?.resolve(message.opened);
        break;
      case "failed":
        this.#take(openingId)?.reject(errorOf(message.error));
        break;
      case "answer":
        this.#take(message.id)?.resolve(message.answer);
        break;
      case "refusal":
        this.#take(message.id)?.reject(errorOf(message.error));
        break;
      case "observed":
        for (const call of message.calls) passOn(this.#observer, call);
        break;
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(cause: unknown): void {
    this.#ended ??= new AmoskysError("log_io", `the thread that writes log ${this.#path} has ended`, {
      hint: "restart; what was not acknowledged is sent again",
      cause,
      details: { path: this.#path },
    });
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

function passOn(observer: Observer, call: ObserverCall): void {
  switch (call[0]) {
    case "count":
      observer.count(call[1], call[2], call[3]);
      break;
    case "gauge":
      observer.gauge(call[1], call[2], call[3]);
      break;
    case "observe":
      observer.observe(call[1], call[2], call[3]);
      break;
    case "log":
      observer.log(call[1], call[2], call[3]);
      break;
  }
}
