import { systemClock } from "../core/clock.ts";
import type { Collector } from "../core/collector.ts";
import type { CollectedEvent } from "../core/event.ts";
import type { LogLevel, Observer } from "../core/observer.ts";
import { decodePayload, payloadJson } from "../envelope/index.ts";
import { loadTlsMaterial } from "../identity/index.ts";
import { createLogger } from "../observability/index.ts";
import { type BusClient, createBusClient } from "../transport/index.ts";
import { resolveBus } from "./agent-bus-place.ts";
import { busAddress } from "./bus-address.ts";
import { createBusProbe } from "./bus-probe.ts";
import { type CollectorRun, collectorEntry } from "./collector-registry.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";
import { spawnWorker } from "./worker-registry.ts";

const stopMsMax = 5000;

export interface PrintAgentOptions {
  /** The name of a collector. */
  readonly collector: string;
  readonly source: ConfigSource;
  readonly run: CollectorRun;
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: "pretty" | "json" | undefined;
  /** Takes one JSON object, to be written as a line. */
  write(event: unknown): void;
}

/**
 * Runs one collector alone: each event is one JSON line, and neither keys, log nor bus are touched. Ends when the
 * source
 * does, or at a signal, after what it still held was printed.
 */
export async function printAgent(options: PrintAgentOptions): Promise<void> {
  const { collector, source, run, logLevel = "warn", logFormat, write } = options;
  const loaded = loadHomeConfig(source);
  const entry = collectorEntry(collector);
  const format = logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
  const logger = createLogger({ role: collector, level: logLevel, format });
  for (const notice of loaded.notices) logger.log("warn", notice);
  const observer: Observer = { count() {}, gauge() {}, observe() {}, log: logger.log };
  const end = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end.abort());
  const context = { observer, clock: systemClock, spawnWorker };
  if (entry.print) return await entry.print(loaded.config, run, { ...context, signal: end.signal });

  const failed = Promise.withResolvers<never>();
  const emit = ({ kind, payload, synthetic }: CollectedEvent) => {
    const decoded = decodePayload(kind, payload);
    try {
      if (decoded.ok) write({ kind, ...(synthetic ? { synthetic } : {}), event: payloadJson(decoded.payload) });
    } catch (caught) {
      failed.reject(caught);
    }
  };
  const address = busAddress(loaded, source.home);
  const bus = await resolveBus(address);
  let client: BusClient | undefined;
  const busProbe = () => {
    // only a collector that asks the bus needs this host's identity, also when it prints
    const { agent } = identityPlaces(loaded, source.home);
    const allowGroupRead = loaded.config.crypto.allow_group_read;
    const tls = loadTlsMaterial(agent, { allowGroupRead, nowMs: systemClock.wallMs() });
    client = createBusClient({ address, tls, observer, clock: systemClock });
    return createBusProbe(client, address);
  };
  const room = () => Promise.resolve();
  const place = { home: source.home, ...(bus ? { bus } : {}) };
  const running = entry.create(loaded.config, run, { ...context, ...place, emit, room }, { busProbe });
  await running.start();
  await untilEnd(running, end.signal, failed.promise);
  await client?.close();
}

async function untilEnd(collector: Collector, signal: AbortSignal, failed: Promise<never>): Promise<void> {
  const asked = new Promise<void>((done) => signal.addEventListener("abort", () => done(), { once: true }));
  try {
    await Promise.race([collector.done, asked, failed]);
  } finally {
    await collector.stop(stopMsMax);
  }
}
