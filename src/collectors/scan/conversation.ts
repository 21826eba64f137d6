import { connect, type Socket } from "node:net";
import { orGiveUp } from "./give-up.ts";

/** One TCP connection, of which a bounded number of bytes is kept. */
export class Conversation {
  readonly #socket: Socket;
  readonly #bytes: Uint8Array;
  #length = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, bytesMax: number) {
    this.#socket = socket;
    this.#bytes = new Uint8Array(bytesMax);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => this.#end());
    socket.on("end", () => this.#end());
    socket.on("error", () => this.#end());
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
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
      while (!isLate && !this.#ended && !isEnough(this.bytes)) {
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
    const part = chunk.subarray(0, this.#bytes.length - this.#length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
    if (this.#length >= this.#bytes.length) this.#end();
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

/** Connects; the conversation is closed by the caller. Undefined where there is none in time. Never throws. */
export async function openConversation(options: ConnectOptions): Promise<Conversation | undefined> {
  const { address, port, timeoutMs, bytesMax, signal } = options;
  if (signal.aborted) return undefined;
  const socket = connect({ host: address, port });
  const conversation = new Conversation(socket, bytesMax);
  const outcome = Promise.withResolvers<boolean>();
  socket.once("connect", () => outcome.resolve(true));
  socket.once("error", () => outcome.resolve(false));
  if (await orGiveUp(outcome.promise, timeoutMs, signal)) return conversation;
  conversation.close();
  return undefined;
}
