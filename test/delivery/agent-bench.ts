// The parts of an agent from the outbox to the client, real but for the collector: a log in a temporary folder, a
// signer, mutual TLS.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { CollectedEvent } from "../../src/core/event.ts";
import { type LogFields, type LogLevel, type Observer, silentObserver } from "../../src/core/observer.ts";
import {
  createDrain,
  createOutbox,
  type Drain,
  type DrainOptions,
  type Outbox,
  type OutboxOptions,
} from "../../src/delivery/index.ts";
import { type AgentSigner, createSigner } from "../../src/identity/index.ts";
import { type BusClient, createBusClient, type TlsMaterial } from "../../src/transport/index.ts";
import { type Log, openLog } from "../../src/wal/index.ts";

export const mebibyte = 1 << 20;

/** An agent's name and seed that tests share. */
export const testAgent = "agent-1";
export const testSeed = new Uint8Array(32).fill(7);

/** What was logged and counted. */
export interface Heard extends Observer {
  readonly lines: { level: LogLevel; message: string; fields: LogFields | undefined }[];
  total(metric: string): number;
}

export function createHeard(): Heard {
  const lines: Heard["lines"] = [];
  const totals = new Map<string, number>();
  return {
    ...silentObserver,
    lines,
    total: (metric) => totals.get(metric) ?? 0,
    count(metric, _labels, by = 1) {
      totals.set(metric, (totals.get(metric) ?? 0) + by);
    },
    log: (level, message, fields) => void lines.push({ level, message, fields }),
  };
}

export interface BenchOptions {
  /** Where the log lies; without it in a temporary folder of its own. */
  readonly folder?: string;
  readonly budgetBytes?: number;
  readonly outbox?: Partial<OutboxOptions>;
  readonly drain?: Partial<DrainOptions>;
}

/** A log with its outbox. */
export interface OutboxBench {
  readonly folder: string;
  readonly log: Log;
  readonly signer: AgentSigner;
  readonly outbox: Outbox;
  readonly heard: Heard;
  /** Closes the log and removes the folder, if it was made here. */
  remove(): void;
}

export function createOutboxBench(options: BenchOptions = {}): OutboxBench {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "amoskys-delivery-"));
  const { budgetBytes = 64 * mebibyte } = options;
  const heard = createHeard();
  const signer = createSigner(testAgent, testSeed);
  const log = openLog({ path: join(folder, "agent.db"), role: "agent", budgetBytes });
  const outbox = createOutbox({
    log,
    signer,
    observer: heard,
    clock: systemClock,
    budgetBytes,
    diskRetryMs: 20,
    ...options.outbox,
  });
  const remove = () => {
    log.close();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  return { folder, log, signer, outbox, heard, remove };
}

/** All of an agent from the outbox on. */
export interface AgentBench extends OutboxBench {
  readonly client: BusClient;
  readonly drain: Drain;
  close(): Promise<void>;
}

/** Builds an agent that publishes to a port of the loopback and starts its drain. */
export async function startAgentBench(port: number, tls: TlsMaterial, options: BenchOptions = {}): Promise<AgentBench> {
  const bench = createOutboxBench(options);
  const { log, outbox, heard } = bench;
  const client = createBusClient({ address: `127.0.0.1:${port}`, tls, observer: silentObserver, clock: systemClock });
  const drain = createDrain({
    log,
    outbox,
    client,
    observer: heard,
    clock: systemClock,
    diskRetryMs: 20,
    backoff: { baseMs: 10, maxMs: 50, heldBaseMs: 10, heldMaxMs: 50 },
    ...options.drain,
  });
  await drain.start();
  return {
    ...bench,
    client,
    drain,
    async close() {
      await drain.stop(0);
      await client.close();
      bench.remove();
    },
  };
}

/** A flow event whose payload says its number. */
export function flowEvent(number: number, size = 100): CollectedEvent {
  const payload = new Uint8Array(size);
  new DataView(payload.buffer).setUint32(0, number);
  return { kind: "flow", tsNs: 1_800_000_000_000_000_000n + BigInt(number), payload };
}

/** The number that `flowEvent` put into a payload. */
export function numberOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}

/** Waits until something holds, by looking at it; fails after `msMax`. */
export async function until(condition: () => boolean, what: string, msMax = 10_000): Promise<void> {
  const endMs = performance.now() + msMax;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`in vain: ${what}`);
    await Bun.sleep(2);
  }
}
