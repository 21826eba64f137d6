import { createSocket, type RemoteInfo, type SocketType } from "node:dgram";
import { isIP } from "node:net";
import { type MessageFacts, type MessageReading, readMessage, reportPdu, responsePdu } from "./message-facts.ts";

/** Why a datagram was not taken for an answer. */
export type DiscardReason = "source" | "malformed" | "version" | "community" | "unexpected" | "security";

export interface AnswerGateOptions {
  /** The device's IP address, as the kernel writes it, and its port. */
  readonly address: string;
  readonly port: number;
  /** The community every answer must carry; undefined for v3. */
  readonly community: Uint8Array | undefined;
  /** v3: bits 0 and 1 of msgFlags of a response. Reports may come with less: an engine has to be found first. */
  readonly flags: number;
  onDiscard(reason: DiscardReason, detail: string): void;
}

type Refusal = readonly [reason: DiscardReason, detail: string];
type Listener = (bytes: Buffer, from: RemoteInfo) => void;

/**
 * A UDP socket behind a gate: only answers to a request that is open, from the address and port that were asked, whole
 * in their BER and as secured as they have to be, come through. Everything else is counted and dropped, and the request
 * goes on waiting: a stranger can neither answer nor end it.
 */
export class AnswerGate {
  readonly #options: AnswerGateOptions;
  readonly #open = new Set<number>();

  constructor(options: AnswerGateOptions) {
    this.#options = options;
  }

  /** What node:dgram is to the library. */
  createSocket(type: SocketType): object {
    const { address } = this.#options;
    // it is an address already: nothing has to be looked up for each packet
    const socket = createSocket({ type, lookup: (_host, _options, done) => done(null, address, isIP(address)) });
    return {
      on: (event: string, listener: Listener) => {
        if (event === "message") socket.on("message", (bytes, from) => this.#pass(bytes, from, listener));
        else socket.on(event, listener);
      },
      send: (bytes: Buffer, offset: number, length: number, port: number, address: string, done: () => void) => {
        this.#note(bytes);
        socket.send(bytes, offset, length, port, address, done);
      },
      ref: () => socket.ref(),
      unref: () => socket.unref(),
      close: () => socket.close(),
    };
  }

  #note(request: Uint8Array): void {
    const reading = readMessage(request);
    if (reading.ok) this.#open.add(reading.facts.id);
  }

  #pass(bytes: Buffer, from: RemoteInfo, listener: Listener): void {
    const reading = this.#isDevice(from) ? readMessage(bytes) : undefined;
    const refusal = this.#refusal(from, reading);
    if (refusal) this.#options.onDiscard(...refusal);
    if (refusal || !reading?.ok) return;
    this.#open.delete(reading.facts.id);
    try {
      listener(bytes.subarray(0, reading.facts.end), from);
    } catch (caught) {
      this.#options.onDiscard("malformed", `it cannot be read: ${(caught as Error).message}`);
    }
  }

  #isDevice({ address, port }: RemoteInfo): boolean {
    return address === this.#options.address && port === this.#options.port;
  }

  #refusal({ address, port }: RemoteInfo, reading: MessageReading | undefined): Refusal | undefined {
    if (!reading) return ["source", `it came from ${address} port ${port}`];
    if (!reading.ok) return ["malformed", `${reading.reason} at byte ${reading.offset}`];
    return this.#judge(reading.facts);
  }

  #judge(facts: MessageFacts): Refusal | undefined {
    const { community, flags } = this.#options;
    if (facts.version !== (community ? 1 : 3)) return ["version", `it is of version number ${facts.version}`];
    if (community && !(facts.community && Buffer.compare(facts.community, community) === 0)) {
      return ["community", "its community is another one"];
    }
    if (!this.#open.has(facts.id)) return ["unexpected", "it answers nothing that was asked"];
    const isReport = !community && facts.pdu === reportPdu;
    if (facts.pdu !== undefined && facts.pdu !== responsePdu && !isReport) return ["malformed", "it is no response"];
    // what is secured otherwise than the session cannot be judged with the session's keys
    const secured = facts.flags & 3;
    const isRight = isReport ? (secured & flags) === secured : secured === flags;
    return isRight ? undefined : ["security", "it is not secured as the request was"];
  }
}
