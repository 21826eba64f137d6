import { AmoskysError } from "../../core/errors.ts";
import { CaptureReader } from "../../packet/index.ts";
import { type CaptureFile, openCaptureFile } from "./capture-file.ts";
import { createFlowEngine, type FlowEngine, type FlowEngineOptions } from "./flow-engine.ts";
import type { FlowFigures } from "./flow-figures.ts";
import type { FlowSource, TakeFlows } from "./flow-source.ts";

/** Flows are handed on as soon as so many have ended. */
const batchFlowsMax = 512;

export interface FileSourceOptions {
  /** `-` is standard input. */
  readonly path: string;
  readonly engine: FlowEngineOptions;
}

/** Reads a capture file through the same engine as live packets; time is that of the packets. */
export function createFileSource(options: FileSourceOptions, take: TakeFlows): FlowSource {
  return new FileSource(options, take);
}

class FileSource implements FlowSource {
  readonly done: Promise<void>;
  readonly #options: FileSourceOptions;
  readonly #take: TakeFlows;
  readonly #engine: FlowEngine;
  readonly #settled = Promise.withResolvers<void>();
  readonly #stopping = Promise.withResolvers<undefined>();
  #isStopped = false;
  #file: CaptureFile | undefined;
  #reader: CaptureReader | undefined;
  #state: "waiting" | "reading" | "read" | "failed" = "waiting";

  constructor(options: FileSourceOptions, take: TakeFlows) {
    this.#options = options;
    this.#take = take;
    this.#engine = createFlowEngine(options.engine);
    this.done = this.#settled.promise;
    // whoever waits for `done` hears of a failure; nobody has to
    this.done.catch(() => {});
  }

  async start(): Promise<void> {
    const file = await openCaptureFile(this.#options.path);
    this.#file = file;
    const onInterface = (index: number, name: string): void => this.#engine.setInterface(index, name);
    this.#reader = new CaptureReader({ name: file.name, onInterface });
    this.#state = "reading";
    this.#run(file, this.#reader).then(
      () => {
        this.#state = "read";
        this.#settled.resolve();
      },
      (caught) => {
        this.#state = "failed";
        this.#settled.reject(AmoskysError.from(caught));
      },
    );
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#isStopped = true;
    this.#stopping.resolve(undefined);
    if (this.#state === "waiting") this.#settled.resolve();
    await Promise.race([this.done.catch(() => {}), Bun.sleep(deadlineMs)]);
  }

  figures(): FlowFigures {
    return this.#engine.figures();
  }

  state(): { status: "ok" | "failed"; message: string } {
    const name = this.#file?.name ?? this.#options.path;
    const offset = this.#reader?.offset ?? 0;
    const size = this.#file?.size;
    const message = {
      waiting: `waits to read ${name}`,
      reading: `reads ${name}: byte ${offset}${size === undefined ? "" : ` of ${size}`}`,
      read: `has read ${name}`,
      failed: `could not read all of ${name}`,
    }[this.#state];
    return { status: this.#state === "failed" ? "failed" : "ok", message };
  }

  extraFigures(): Readonly<Record<string, number>> {
    return { file_bytes: this.#reader?.offset ?? 0 };
  }

  /** What was readable becomes flows, whatever happens behind it. */
  async #run(file: CaptureFile, reader: CaptureReader): Promise<void> {
    try {
      await this.#readAll(file, reader);
    } finally {
      if (file.size !== undefined || !this.#isStopped) await file.close();
      await this.#handOverRest();
    }
  }

  /** Counts the frames of one chunk while the next one is being read. */
  async #readAll(file: CaptureFile, reader: CaptureReader): Promise<void> {
    let next = file.read(reader.space());
    while (!this.#isStopped) {
      const bytes = await Promise.race([next, this.#stopping.promise]);
      if (bytes === undefined) break;
      if (bytes === 0) {
        reader.finish();
        return;
      }
      reader.filled(bytes);
      next = file.read(reader.space());
      next.catch(() => {});
      while (!this.#countFrames(reader) && !this.#isStopped) await this.#handOver();
      await this.#handOver();
    }
    // a file is not closed under a read; one that may never come back (a pipe) is left to the end of the process
    if (file.size !== undefined) await next.catch(() => {});
  }

  /** Counts the frames that are in memory; false where flows have to be handed over before the rest. */
  #countFrames(reader: CaptureReader): boolean {
    const engine = this.#engine;
    const { frame, view, bytes } = reader;
    while (reader.next()) {
      engine.frame(
        view,
        bytes,
        frame.offset,
        frame.capturedLength,
        frame.wireLength,
        frame.sec,
        frame.nsec,
        frame.linkType,
        frame.interfaceIndex,
        0,
      );
      if (engine.pending >= batchFlowsMax) return false;
    }
    return true;
  }

  async #handOver(): Promise<void> {
    if (this.#engine.pending > 0) await this.#take(this.#engine.takeEvents());
  }

  async #handOverRest(): Promise<void> {
    let left = true;
    while (left) {
      left = this.#engine.drain(this.#isStopped ? "shutdown" : "eof", batchFlowsMax);
      await this.#handOver();
    }
  }
}
