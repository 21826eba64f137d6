import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/**
 * A socket with somebody who looks at what comes in before it is read. HTTP/2 sessions in Bun read from a TLS socket
 * natively, so that a listener of its own hears nothing; from any other stream they read what that hands out.
 */
export class TappedSocket extends Duplex {
  readonly #socket: TLSSocket;

  /** `look` is called with every chunk; what it answers false to is not handed on. */
  constructor(socket: TLSSocket, look: (chunk: Buffer) => boolean) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (look(chunk) && !this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
