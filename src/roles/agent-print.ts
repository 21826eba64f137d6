import { systemClock } from "../core/clock.ts";
import type { Collector } from "../core/collector.ts";
import { AmoskysError } from "../core/errors.ts";
import type { CollectedEvent } from "../core/event.ts";
import { type LogLevel, type Observer, silentObserver } from "../core/observer.ts";
import { decodePayload, payloadJson } from "../envelope/index.ts";
import { createLogger } from "../observability/index.ts";
import type { BusClient } from "../transport/index.ts";
import { type CollectorRun, collectorEntry } from "./collector-registry.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { roundShortfall } from "./round-shortfall.ts";
import { spawnWorker } from "./worker-registry.ts";

const stopMsMax = 5000;
/** So many events are written together at most; fewer where no more have come. */
const eventsTogether = 256;

export interface PrintAgentOptions {
  /** The name of a collector. */
  readonly collector: string;
  readonly source: ConfigSource;
  readonly run: CollectorRun;
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: "pretty" | "json" | undefined;
  /** Takes JSON values, each to be written as a line. */
  write(events: readonly unknown[]): void;
}

/**
 * Runs one collector alone: each event is one JSON line, and neither keys, log nor bus are touched. Ends when the
 * source does, or at a signal, after what it still held was printed.
 */
export async function printAgent(options: PrintAgentOptions): Promise<void> {
  const { collector, source, run, logLevel = "warn", logFormat, write } = options;
  const loaded = loadHomeConfig(source);
  const entry = collectorEntry(collector);
  const format = logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
  const logger = createLogger({ role: collector, level: logLevel, format });
  for (const notice of loaded.notices) logger.log("warn", notice);
  const observer: Observer = { ...silentObserver, log: logger.log };
  const end = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end.abort());
  const context = { observer, clock: systemClock, spawnWorker };
  if (entry.print) return await entry.print(loaded.config, run, { ...context, signal: end.signal });

  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const waiting: unknown[] = [];
  const flush = () => {
    if (waiting.length > 0) write(waiting.splice(0));
  };
  const flushSoon = () => {
    try {
      flush();
    } catch (caught) {
      failed.reject(caught);
    }
  };
  const emit = ({ kind, payload, synthetic }: CollectedEvent) => {
    const decoded = decodePayload(kind, payload);
    if (!decoded.ok) {
      failed.reject(new AmoskysError("internal", `An event of ${collector} cannot be read: ${decoded.reason}`));
      return;
    }
    waiting.push({ kind, ...(synthetic ? { synthetic } : {}), event: payloadJson(decoded.payload) });
    if (waiting.length === 1) setImmediate(flushSoon);
    if (waiting.length === eventsTogether) flushSoon();
  };
  let client: BusClient | undefined;
  const busProbe = async () => {
    // only a collector that asks the bus needs this host's identity, also when it prints
    const { openBusProbe } = await import("./print-bus-probe.ts");
    const { probe, client: opened } = openBusProbe(loaded, source.home, observer);
    client = opened;
    return probe;
  };
  const room = () => Promise.resolve();
  const running = await entry.create(loaded.config, run, { ...context, home: source.home, emit, room }, { busProbe });
  try {
    await runUntilEnd(running, end.signal, failed.promise);
    const shortfall = run.once ? roundShortfall(collector, running) : undefined;
    if (shortfall) throw shortfall;
  } finally {
    flush();
    await client?.close();
  }
}

async function runUntilEnd(collector: Collector, signal: AbortSignal, failed: Promise<never>): Promise<void> {
  const asked = new Promise<void>((done) => signal.addEventListener("abort", () => done(), { once: true }));
  try {
    await collector.start();
    await Promise.race([collector.done, asked, failed]);
  } finally {
    await collector.stop(stopMsMax);
  }
}
