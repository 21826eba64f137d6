import { connect, type Socket } from "node:net";
import { errnoOf } from "../../core/errors.ts";

/** What an attempt to connect says of a port. `failed`: this host could not try, so nothing is known. */
export type PortState = "open" | "closed" | "filtered" | "failed";

/** Errors that are this host's own want, not an answer. */
const ownErrors = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EACCES", "EPERM", "EAGAIN"]);
const refusals = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE"]);

/** One TCP connection, of which a bounded number of bytes is kept. */
export class Conversation {
  readonly #socket: Socket;
  readonly #bytesMax: number;
  #bytes = new Uint8Array();
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, bytesMax: number) {
    this.#socket = socket;
    this.#bytesMax = bytesMax;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => this.#end());
    socket.on("end", () => this.#end());
    socket.on("error", () => this.#end());
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Nothing more will come: the other end closed, or said as much as is kept. */
  get ended(): boolean {
    return this.#ended;
  }

  write(bytes: Uint8Array): void {
    if (!this.#ended) this.#socket.write(bytes);
  }

  /** Waits until `isEnough`, the end, or `timeoutMs`. */
  async until(isEnough: (bytes: Uint8Array) => boolean, timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    let isLate = timeoutMs <= 0;
    const timer = setTimeout(() => {
      isLate = true;
      late.resolve();
    }, timeoutMs);
    try {
      while (!isLate && !this.#ended && !isEnough(this.#bytes)) {
        const more = new Promise<void>((resume) => {
          this.#wake = resume;
        });
        await Promise.race([more, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Safe twice. */
  close(): void {
    this.#end();
  }

  #take(chunk: Buffer): void {
    if (this.#ended) return;
    const room = this.#bytesMax - this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, room)]);
    if (this.#bytes.length >= this.#bytesMax) this.#end();
    this.#wake?.();
  }

  #end(): void {
    this.#ended = true;
    this.#socket.destroy();
    this.#wake?.();
  }
}

export interface ConnectOptions {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

/** Connects; an open port comes with its conversation, which the caller closes. Never throws. */
export async function openConversation(
  options: ConnectOptions,
): Promise<{ state: "open"; conversation: Conversation } | { state: Exclude<PortState, "open"> }> {
  const { address, port, timeoutMs, bytesMax, signal } = options;
  if (signal.aborted) return { state: "failed" };
  const socket = connect({ host: address, port });
  const conversation = new Conversation(socket, bytesMax);
  const outcome = Promise.withResolvers<PortState>();
  const timer = setTimeout(() => outcome.resolve("filtered"), timeoutMs);
  const abort = () => outcome.resolve("failed");
  signal.addEventListener("abort", abort);
  socket.once("connect", () => outcome.resolve("open"));
  socket.once("error", (error) => {
    const name = errnoOf(error) ?? "";
    outcome.resolve(ownErrors.has(name) ? "failed" : refusals.has(name) ? "closed" : "filtered");
  });
  const state = await outcome.promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  if (state === "open") return { state, conversation };
  conversation.close();
  return { state };
}
