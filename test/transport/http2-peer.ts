// A peer made of node:http2 alone: it frames messages by itself and shares nothing with our client.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import type { IssuedCertificate } from "../support/certificates.ts";
import type { BusFixture } from "./bus-fixture.ts";

export interface PeerAnswer {
  readonly httpStatus: number;
  /** The number in grpc-status; undefined where none came. */
  readonly status: number | undefined;
  readonly message: string;
  readonly body: Buffer;
  readonly resetCode: number;
}

/** A length-prefixed message; the declared length and the flag may lie. */
export function framed(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

const callHeaders = {
  ":method": "POST",
  ":path": "/messaging.UniversalEventBus/PublishTelemetry",
  "content-type": "application/grpc",
  te: "trailers",
};

export class Http2Peer {
  readonly session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on("error", () => {});
  }

  /** Connects and waits until the server has accepted the certificate. */
  static async open(bus: BusFixture, certificate: IssuedCertificate = bus.certificate): Promise<Http2Peer> {
    const { ca, cert, key } = certificate;
    const peer = new Http2Peer(connect(`https://localhost:${bus.port}`, { ca, cert, key }));
    await new Promise<void>((resolve, reject) => {
      peer.session.once("remoteSettings", () => resolve());
      peer.session.once("error", reject);
      peer.session.once("close", () => reject(new Error("closed")));
    });
    return peer;
  }

  /** Opens a call whose request is written by the caller. */
  open(headers: Record<string, string | undefined> = {}): { stream: ClientHttp2Stream; answer: Promise<PeerAnswer> } {
    const all = Object.entries({ ...callHeaders, ...headers }).filter(([, value]) => value !== undefined);
    const stream = this.session.request(Object.fromEntries(all));
    return { stream, answer: answerOf(stream) };
  }

  /** Makes a call with this body and ends it. */
  async call(body: Uint8Array, headers: Record<string, string | undefined> = {}): Promise<PeerAnswer> {
    const { stream, answer } = this.open(headers);
    stream.end(body);
    return answer;
  }

  close(): void {
    this.session.destroy();
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<PeerAnswer> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (received) => {
    headers = received;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  return new Promise((resolve) => {
    stream.once("close", () => {
      const status = trailers["grpc-status"] ?? headers["grpc-status"];
      resolve({
        httpStatus: Number(headers[":status"]),
        status: status === undefined ? undefined : Number(status),
        message: decodeURIComponent(String(trailers["grpc-message"] ?? headers["grpc-message"] ?? "")),
        body: Buffer.concat(chunks),
        resetCode: stream.rstCode ?? 0,
      });
    });
  });
}
