import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import type { ScanConfig } from "./config.ts";
import { type Conversation, openConversation } from "./conversation.ts";
import { identifyPort, type PortReading } from "./identify-port.ts";
import type { Pace } from "./pace.ts";
import type { PortOutcome, PortProber, PortState } from "./port-prober.ts";
import { forEachAtOnce, type Slots } from "./slots.ts";

/** Of one host at once, so that it is not overrun, and does not take all there is from the others. */
const connectsPerHost = 64;
const servicesPerHost = 8;
/** How often a port is tried that this host could not try, and the wait between. */
const ownTriesMax = 4;
const ownRetryMs = 200;
/** The share of silent ports that is taken for loss on the way, and tried once more, where others answered. */
const lossShareMax = 0.1;

/** What the connections of one scan share. */
export interface ScanMeans {
  readonly config: ScanConfig;
  readonly pace: Pace;
  readonly prober: PortProber;
  readonly connects: Slots;
  readonly services: Slots;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly random: () => Uint8Array;
  onPort(outcome: PortOutcome): void;
}

/** What TCP says of one address. */
export interface PortsReading {
  /** It answered, be it with a refusal. */
  readonly answered: boolean;
  /** By number. */
  readonly open: readonly PortReading[];
  /** Ports that could not be tried. */
  readonly failed: readonly number[];
}

/** Whether one of the ports answers at all. */
export async function answersTcp(address: string, ports: readonly number[], means: ScanMeans): Promise<boolean> {
  const states = await Promise.all(ports.map((port) => portState(address, port, means)));
  return states.some((state) => state === "open" || state === "closed");
}

/**
 * Tries the ports and looks at what the open ones say. Those in `expected`, and a few silent ones among many that
 * answer, are tried twice before they count as silent: one lost packet is no change.
 */
export async function scanPorts(
  address: string,
  ports: readonly number[],
  expected: ReadonlySet<number>,
  means: ScanMeans,
): Promise<PortsReading> {
  const states = new Map<number, PortState>();
  const inState = (wanted: PortState) => ports.filter((port) => states.get(port) === wanted);
  const tryPorts = (tried: readonly number[]) =>
    forEachAtOnce(tried, connectsPerHost, means.signal, async (port) => {
      states.set(port, await portState(address, port, means));
    });
  await tryPorts(ports);
  const silent = inState("filtered");
  const isLoss = silent.length <= ports.length * lossShareMax;
  await tryPorts(silent.filter((port) => isLoss || expected.has(port)));
  const open = inState("open");
  const readings = new Map<number, PortReading>(open.map((port) => [port, { port }]));
  if (means.config.services) {
    const looked = open.slice(0, means.config.services_max);
    await forEachAtOnce(looked, servicesPerHost, means.signal, async (port) => {
      readings.set(port, await means.services.run(() => identify(address, port, means)));
    });
  }
  const answered = open.length > 0 || inState("closed").length > 0;
  return { answered, open: [...readings.values()], failed: inState("failed") };
}

async function portState(address: string, port: number, means: ScanMeans): Promise<PortState> {
  const { connects, pace, prober, signal } = means;
  for (let tries = 1; ; tries += 1) {
    const outcome = await connects.run(async () => {
      await pace.next(signal);
      return await prober.try(address, port);
    });
    if (outcome.passing !== true || tries >= ownTriesMax || signal.aborted) {
      means.onPort(outcome);
      return outcome.state;
    }
    await setTimeout(ownRetryMs, undefined, { signal }).catch(() => {});
  }
}

async function identify(address: string, port: number, means: ScanMeans): Promise<PortReading> {
  const { config, clock, pace, signal, random } = means;
  const open = new Set<Conversation>();
  // whoever waits for bytes hears of the end when its connection closes
  const abort = () => {
    for (const conversation of open) conversation.close();
  };
  signal.addEventListener("abort", abort);
  try {
    return await identifyPort({
      address,
      port,
      timeoutMs: config.banner_timeout_s * 1000,
      random: random(),
      monotonicMs: () => clock.monotonicMs(),
      connect: async () => {
        await pace.next(signal);
        const timeoutMs = config.connect_timeout_s * 1000;
        const bytesMax = config.banner_bytes_max;
        const conversation = await openConversation({ address, port, timeoutMs, bytesMax, signal });
        if (conversation) open.add(conversation);
        return conversation;
      },
    });
  } finally {
    signal.removeEventListener("abort", abort);
    abort();
  }
}
