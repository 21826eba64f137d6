import type { CollectorContext } from "../../core/collector.ts";
import { createFlowSource, type FlowCollectorOptions } from "./create-source.ts";
import { writeToDescriptor } from "./descriptor-writer.ts";
import { FlowJsonWriter } from "./flow-json.ts";
import type { FlowBatch } from "./flow-source.ts";

const stdout = 1;
/** Lines are gathered up to this many bytes before they are written, from a file; live ones are written at once. */
const linesBytesMax = 1 << 18;
/** How long a capture may take to end once it is asked to. */
const stopMsMax = 5000;

export interface PrintFlowsOptions extends FlowCollectorOptions {
  readonly context: Pick<CollectorContext, "observer" | "clock" | "spawnWorker">;
  /** Ends the source: what is in the table is printed, then the promise resolves. */
  readonly signal?: AbortSignal;
  /** File descriptor written to; standard output by default. */
  readonly fd?: number;
}

/**
 * Prints each flow as one line of JSON (its event is the protobuf JSON mapping of messaging.FlowEvent), without keys,
 * log or bus.
 * Resolves when the file ends or the signal comes; rejects as the source does, after all that was readable is printed,
 * and with `interrupted` where nobody reads the lines any more.
 */
export async function printFlows(options: PrintFlowsOptions): Promise<void> {
  const fd = options.fd ?? stdout;
  const lines = new FlowJsonWriter();
  const isLive = options.read === undefined;
  const flush = async (): Promise<void> => {
    if (lines.length > 0) await writeToDescriptor(fd, lines.take());
  };
  const take = async ({ bytes, ends, count }: FlowBatch): Promise<void> => {
    let start = 0;
    for (let i = 0; i < count; i += 1) {
      const end = ends[i] as number;
      lines.write(bytes, start, end);
      start = end;
    }
    if (isLive || lines.length >= linesBytesMax) await flush();
  };
  const source = createFlowSource(options, options.context, take);
  const stop = (): void => void source.stop(stopMsMax);
  await source.start();
  if (options.signal?.aborted) stop();
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    await source.done;
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await flush();
  }
}
