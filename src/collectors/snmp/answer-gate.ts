import { isIPv6 } from "node:net";
import { AmoskysError, errnoOf } from "../../core/errors.ts";
import { type MessageReading, readMessage, type SnmpMessage, snmpTags } from "./snmp-message.ts";

/** Why a datagram was not taken for an answer. */
export type DiscardReason = "source" | "malformed" | "version" | "community" | "unexpected" | "security";

export interface AnswerGateOptions {
  /** The device's IP address, its family, and its port. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number;
  /** The number of the version in each message: 0 for v1, 1 for v2c, 3 for v3. */
  readonly version: 0 | 1 | 3;
  /** The community every answer must carry; undefined for v3. */
  readonly community: Uint8Array | undefined;
  /** v3: bits 0 and 1 of msgFlags of a response. Reports may come with less: an engine has to be found first. */
  readonly flags: number;
  onDiscard(reason: DiscardReason, detail: string): void;
}

type Refusal = readonly [reason: DiscardReason, detail: string];

/** Takes an answer that was let in, as it was read and as it came. */
export type AnswerListener = (message: SnmpMessage, bytes: Buffer) => void;

/**
 * A UDP socket behind a gate: only answers to a request that is open, from the address and port that were asked, whole
 * in their BER and as secured as they have to be, come through. Everything else is counted and dropped, and the request
 * goes on waiting: a stranger can neither answer nor end it.
 */
export class AnswerGate {
  /** Whether a host said since the last answer that nothing listens on the port; anybody can say that. */
  isRefused = false;
  onAnswer: AnswerListener = () => {};
  readonly #options: AnswerGateOptions;
  readonly #open = new Set<number>();
  /** Questions that the kernel had no room for, by their id. */
  readonly #unsent = new Map<number, Uint8Array>();
  #socket: Bun.udp.Socket<"buffer"> | undefined;

  private constructor(options: AnswerGateOptions) {
    this.#options = options;
  }

  /** Takes a free port. Throws `unreachable` where the host has none, or no such family. */
  static async open(options: AnswerGateOptions): Promise<AnswerGate> {
    const gate = new AnswerGate(options);
    try {
      gate.#socket = await Bun.udpSocket({
        hostname: options.family === 6 ? "::" : "0.0.0.0",
        socket: {
          data: (_socket, bytes, port, address) => gate.#pass(bytes, port, address),
          drain: () => gate.#sendRest(),
          error: () => {
            gate.isRefused = true;
          },
        },
      });
    } catch (caught) {
      const errno = errnoOf(caught);
      throw new AmoskysError("unreachable", `Cannot open a UDP socket: ${errno ?? "unknown"}`, { details: { errno } });
    }
    return gate;
  }

  /** Whether a question still waits for room in the kernel: it was never on its way. */
  get isUnsent(): boolean {
    return this.#unsent.size > 0;
  }

  /**
   * Sends a question, at once or when the kernel has room; from now on one answer with its id is let in. Throws the
   * kernel's error.
   */
  send(bytes: Uint8Array, id: number): void {
    this.#open.add(id);
    this.#unsent.set(id, bytes);
    this.#sendRest();
  }

  /** Lets in no answer with this id any more. */
  forget(id: number): void {
    this.#open.delete(id);
    this.#unsent.delete(id);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #sendRest(): void {
    for (const [id, bytes] of this.#unsent) {
      if (!this.#sendOne(bytes)) return;
      this.#unsent.delete(id);
    }
  }

  /** Whether the kernel took it. */
  #sendOne(bytes: Uint8Array): boolean {
    const { port, address } = this.#options;
    try {
      return this.#socket?.send(bytes, port, address) ?? true;
    } catch (caught) {
      // the refusal of an earlier packet is told at the next one, which has not gone then
      if (errnoOf(caught) !== "ECONNREFUSED") throw caught;
      this.isRefused = true;
      return this.#socket?.send(bytes, port, address) ?? true;
    }
  }

  #pass(bytes: Buffer, port: number, address: string): void {
    const wanted = this.#options;
    if (port !== wanted.port || !(address === wanted.address || shortForm(address) === shortForm(wanted.address))) {
      wanted.onDiscard("source", `it came from ${address} port ${port}`);
      return;
    }
    const reading = readMessage(bytes);
    const refusal = this.#refusal(reading);
    if (refusal) wanted.onDiscard(...refusal);
    if (refusal || !reading.ok) return;
    const { message } = reading;
    this.#open.delete(message.id);
    this.isRefused = false;
    try {
      this.onAnswer(message, bytes.subarray(0, message.end));
    } catch (caught) {
      wanted.onDiscard("malformed", `it cannot be read: ${(caught as Error).message}`);
    }
  }

  #refusal(reading: MessageReading): Refusal | undefined {
    if (!reading.ok) return ["malformed", `${reading.reason} at byte ${reading.offset}`];
    const { version, id, community, pdu, flags } = reading.message;
    const wanted = this.#options;
    if (version !== wanted.version) return ["version", `it is of version number ${version}`];
    if (wanted.community && !(community && Buffer.compare(community, wanted.community) === 0)) {
      return ["community", "its community is another one"];
    }
    if (!this.#open.has(id)) return ["unexpected", "it answers nothing that was asked"];
    const isReport = version === 3 && pdu?.tag === snmpTags.report;
    if (pdu && pdu.tag !== snmpTags.response && !isReport) return ["malformed", "it is no response"];
    // what is secured otherwise than the session cannot be judged with the session's keys
    const secured = flags & 3;
    const isRight = isReport ? (secured & wanted.flags) === secured : secured === wanted.flags;
    return isRight ? undefined : ["security", "it is not secured as the request was"];
  }
}

/** One writing of an IPv6 address (RFC 5952), whose zone the kernel may leave out; of IPv4 there is but one. */
function shortForm(address: string): string {
  const [plain = ""] = address.split("%");
  return isIPv6(plain) ? new URL(`http://[${plain}]`).hostname : address;
}
