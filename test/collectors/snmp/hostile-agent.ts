import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { type ParsedRequest, parseRequest } from "../../support/ber-writer.ts";

/** What a hostile agent sends for a request; nothing, where it is silent. */
export type Answer = (request: ParsedRequest, bytes: Buffer) => readonly Uint8Array[];

/** A UDP responder on loopback that says whatever a test wants it to say. */
export class HostileAgent {
  /** Requests that came. */
  requests = 0;
  readonly #socket: Socket;
  readonly #stranger: Socket;

  private constructor(answer: Answer, fromStranger: boolean) {
    this.#socket = createSocket("udp4");
    this.#stranger = createSocket("udp4");
    this.#socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
      this.requests += 1;
      const sender = fromStranger ? this.#stranger : this.#socket;
      for (const datagram of answer(parseRequest(bytes), bytes)) sender.send(datagram, from.port, from.address);
    });
  }

  /** With `stranger` the answers come from another address or port than the one that was asked. */
  static async open(answer: Answer, stranger?: { readonly address: string }): Promise<HostileAgent> {
    const agent = new HostileAgent(answer, stranger !== undefined);
    const bind = (socket: Socket, address: string) =>
      new Promise<void>((ready) => socket.bind(0, address, () => ready()));
    await bind(agent.#socket, "127.0.0.1");
    await bind(agent.#stranger, stranger?.address ?? "127.0.0.1");
    return agent;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
    this.#stranger.close();
  }
}
