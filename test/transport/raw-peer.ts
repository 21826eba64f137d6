// A peer that speaks HTTP/2 by hand, so that it can break the rules.
import { connect, type TLSSocket } from "node:tls";
import type { IssuedCertificate } from "../support/certificates.ts";

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const endStream = 1;
export const endHeaders = 4;

/** One HTTP/2 frame (RFC 9113, section 4.1). */
export function rawFrame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

/** Cuts what was received into frames as they come: type and stream of each. */
export class FrameSplitter {
  #buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): { type: number; stream: number; payload: Buffer }[] {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    const frames = [];
    while (this.#buffer.length >= 9) {
      const end = 9 + this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < end) break;
      const stream = this.#buffer.readUInt32BE(5);
      frames.push({ type: this.#buffer[3] as number, stream, payload: this.#buffer.subarray(9, end) });
      this.#buffer = this.#buffer.subarray(end);
    }
    return frames;
  }
}

/** A header field, never indexed and not Huffman coded (RFC 7541, section 6.2.2). */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x10, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** The header block of a gRPC call. */
export function callHeaders(path = "/messaging.EventBus/Publish"): Buffer {
  return Buffer.concat([
    literal(":method", "POST"),
    literal(":scheme", "https"),
    literal(":path", path),
    literal(":authority", "localhost"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

/** A 32-bit number as a frame's payload. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** What an HTTP/2 client says first (RFC 9113, section 3.4). */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export class RawPeer {
  readonly socket: TLSSocket;
  /** Types of the frames that came, in order. */
  readonly received: number[] = [];
  /** The bodies that came, of all streams. */
  readonly bodies: Buffer[] = [];
  /** Error code of the last GOAWAY. */
  goaway: number | undefined;
  readonly #splitter = new FrameSplitter();

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {});
  }

  /** Connects, sends the preface, and waits for the server's SETTINGS. */
  static async open(port: number, certificate: IssuedCertificate): Promise<RawPeer> {
    const { ca, cert, key } = certificate;
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca, cert, key, ALPNProtocols: ["h2"] });
    const peer = new RawPeer(socket);
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    socket.write(Buffer.concat([preface, rawFrame(frameTypes.settings, 0, 0), rawFrame(frameTypes.settings, 1, 0)]));
    await peer.until(() => peer.received.includes(frameTypes.settings));
    return peer;
  }

  get closed(): boolean {
    return this.socket.destroyed || this.socket.readableEnded;
  }

  /** Writes and waits where the socket asks for it; answers false once the server has closed. */
  async write(...frames: Buffer[]): Promise<boolean> {
    if (this.closed) return false;
    if (!this.socket.write(Buffer.concat(frames))) {
      await new Promise<void>((resolve) => {
        this.socket.once("drain", resolve);
        this.socket.once("close", resolve);
      });
    }
    await Bun.sleep(0);
    return !this.closed;
  }

  /** Writes the frames that `make` builds in batches until `count` were sent or the server closed; answers how many. */
  async flood(count: number, make: (index: number) => Buffer, batch = 250): Promise<number> {
    let sent = 0;
    while (sent < count) {
      const frames = Array.from({ length: Math.min(batch, count - sent) }, (_, i) => make(sent + i));
      if (!(await this.write(...frames))) break;
      sent += frames.length;
    }
    return sent;
  }

  /** Waits until it holds; throws after `withinMs`. */
  async until(holds: () => boolean, withinMs = 3_000): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (!holds()) {
      if (performance.now() > endMs) throw new Error("the server did not do what was waited for");
      await Bun.sleep(5);
    }
  }

  /** Waits until the server has closed the connection. */
  untilClosed(withinMs = 3_000): Promise<void> {
    return this.until(() => this.closed, withinMs);
  }

  end(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    for (const { type, payload } of this.#splitter.push(chunk)) {
      this.received.push(type);
      if (type === frameTypes.data) this.bodies.push(payload);
      if (type === frameTypes.goaway) this.goaway = payload.readUInt32BE(4);
    }
  }
}

/** Waits until a number has not changed for 300 ms, and answers it. */
export async function settled(read: () => number | bigint): Promise<number> {
  const endMs = performance.now() + 5_000;
  for (let last = read(), sinceMs = performance.now(); performance.now() < endMs; await Bun.sleep(20)) {
    if (read() === last && performance.now() - sinceMs > 300) return Number(last);
    if (read() !== last) sinceMs = performance.now();
    last = read();
  }
  throw new Error("it did not come to rest");
}
