import {
  ftpSoftware,
  helloProbe,
  identifyService,
  isNumberedGreeting,
  type ProbeName,
  parseHelloAnswer,
  plainText,
  probeBytes,
  probeOrder,
  type ServiceFacts,
} from "../../protocols/index.ts";
import type { Conversation } from "./conversation.ts";

/** What an open port said. */
export interface PortReading {
  readonly port: number;
  /** Undefined where it said nothing that is known. */
  readonly service?: ServiceFacts;
  /** The first of what it said, bounded, printable; only where the service is not known. */
  readonly banner?: string;
}

export interface IdentifyOptions {
  readonly address: string;
  readonly port: number;
  /** For one connection; what asks again may take three times that in all. */
  readonly timeoutMs: number;
  readonly random: Uint8Array;
  readonly monotonicMs: () => number;
  /** A new connection to the port, or undefined where there is none any more. */
  connect(): Promise<Conversation | undefined>;
}

const bannerCharsMax = 120;

/** Listens first; then asks a silent port one question after another, each on a connection of its own. */
export async function identifyPort(options: IdentifyOptions): Promise<PortReading> {
  const { port, timeoutMs, connect, monotonicMs } = options;
  const first = await connect();
  if (!first) return { port };
  const endMs = monotonicMs() + 3 * timeoutMs;
  try {
    await first.until((bytes) => bytes.length > 0, timeoutMs / 3);
    if (first.bytes.length > 0) return await readGreeting(port, first, timeoutMs);
    let said: Uint8Array | undefined;
    for (const [index, probe] of probeOrder(port).entries()) {
      const leftMs = Math.min(index === 0 ? (timeoutMs * 2) / 3 : timeoutMs / 3, endMs - monotonicMs());
      if (leftMs <= 0) break;
      const conversation = index === 0 && !first.ended ? first : await connect();
      if (!conversation) break;
      const service = await ask(conversation, probe, options, leftMs).finally(() => conversation.close());
      if (service) return { port, service };
      if (conversation.bytes.length > 0) said ??= conversation.bytes;
    }
    return unknown(port, said);
  } finally {
    first.close();
  }
}

async function readGreeting(port: number, conversation: Conversation, timeoutMs: number): Promise<PortReading> {
  const isEnough = (bytes: Uint8Array) => identifyService(bytes)?.complete === true || isNumberedGreeting(bytes);
  await conversation.until(isEnough, (timeoutMs * 2) / 3);
  const greeting = conversation.bytes;
  const service = identifyService(greeting);
  if (service) return { port, service };
  if (!isNumberedGreeting(greeting)) return unknown(port, greeting);
  conversation.write(helloProbe);
  const answer = (bytes: Uint8Array) => parseHelloAnswer(bytes.subarray(greeting.length));
  await conversation.until((bytes) => answer(bytes)?.complete === true, timeoutMs / 3);
  const facts = answer(conversation.bytes);
  if (!facts) return unknown(port, greeting);
  if (facts.service !== "ftp") return { port, service: facts };
  const { product, version } = ftpSoftware(plainText(Buffer.from(greeting).toString("latin1")));
  return { port, service: { ...facts, ...(product ? { product } : {}), ...(version ? { version } : {}) } };
}

async function ask(
  conversation: Conversation,
  probe: ProbeName,
  { address, random }: IdentifyOptions,
  timeoutMs: number,
): Promise<ServiceFacts | undefined> {
  conversation.write(probeBytes(probe, address, random));
  await conversation.until((bytes) => identifyService(bytes, probe)?.complete === true, timeoutMs);
  return identifyService(conversation.bytes, probe);
}

function unknown(port: number, said: Uint8Array | undefined): PortReading {
  if (!said || said.length === 0) return { port };
  return { port, banner: plainText(Buffer.from(said).toString("latin1"), bannerCharsMax) };
}
