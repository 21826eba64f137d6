import { type ClientHttp2Session, connect } from "node:http2";
import { isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import type { BusAddress } from "./bus-address.ts";
import { ClientCall, type ClientCallOptions } from "./client-call.ts";
import { connectFailure, localFailure } from "./client-failure.ts";
import { TappedSocket } from "./tapped-socket.ts";
import type { TlsMaterial } from "./tls-material.ts";

export interface ClientConnectionOptions {
  readonly address: BusAddress;
  readonly tls: TlsMaterial;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /**
   * Silence, with calls open, after which the bus is asked for a sign of life; half as long again ends the connection.
   */
  readonly keepaliveMs: number;
}

/** A stream's window: how much of a subscription may be under way before its reader has taken any. */
const streamWindowBytes = 256 * 1024;

/** The connection was ended by the bus between the handshake and its first frame. */
export class ClosedEarly extends Error {}

/** One HTTP/2 session with a bus that has accepted our certificate. */
export class ClientConnection {
  readonly #session: ClientHttp2Session;
  readonly #options: ClientConnectionOptions;
  readonly #calls = new Set<ClientCall>();
  readonly #lifeSigns: ReturnType<typeof setInterval>;
  #usable = true;
  #heardMs: number;
  #askedMs: number | undefined;

  /**
   * Connects, and waits for the first frame of the bus: with TLS 1.3 a client's handshake is done before the bus has
   * seen its certificate, so nothing before that frame says that it was accepted. Throws an AmoskysError by class, or a
   * ClosedEarly.
   */
  static open(options: ClientConnectionOptions, signal: AbortSignal): Promise<ClientConnection> {
    const { address, connectTimeoutMs } = options;
    const socket = openSocket(options);
    return new Promise((resolve, reject) => {
      let secure = false;
      const onAbort = () => fail(new AmoskysError("interrupted", "The client was closed"));
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const fail = (failure: Error) => {
        settle();
        reject(failure);
        socket.destroy();
      };
      const ended = (cause?: unknown) => {
        const early = secure && (cause === undefined || isReset(cause));
        fail(early ? new ClosedEarly() : connectFailure(cause, address.text));
      };
      const late = `The bus at ${address.text} did not answer within ${connectTimeoutMs} ms`;
      const timer = setTimeout(() => fail(localFailure("timeout", late, address.text)), connectTimeoutMs);
      signal.addEventListener("abort", onAbort, { once: true });
      socket.on("error", ended);
      socket.once("close", () => ended());
      socket.once("secureConnect", () => {
        secure = true;
        const connection = new ClientConnection(socket, options);
        connection.#session.on("error", ended);
        connection.#session.once("remoteSettings", () => {
          settle();
          resolve(connection);
        });
      });
    });
  }

  private constructor(socket: TLSSocket, options: ClientConnectionOptions) {
    this.#options = options;
    this.#heardMs = options.clock.monotonicMs();
    const tapped = new TappedSocket(socket, () => this.#heard());
    this.#session = connect(`https://${options.address.text}`, {
      createConnection: () => tapped,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    this.#session.once("goaway", () => {
      this.#usable = false;
    });
    this.#session.once("close", () => {
      this.#usable = false;
      clearInterval(this.#lifeSigns);
    });
    this.#lifeSigns = setInterval(() => this.#checkLife(), options.keepaliveMs / 4);
    this.#lifeSigns.unref();
  }

  /** Whether new calls may be made on it. */
  get usable(): boolean {
    return this.#usable && !this.#session.closed && !this.#session.destroyed;
  }

  /** Makes a call. Throws a CallNotSeen where the session has ended meanwhile. */
  call(options: ClientCallOptions): ClientCall {
    const call = new ClientCall(this.#session, this.#options.address.text, options);
    this.#calls.add(call);
    call.onClose(() => this.#calls.delete(call));
    return call;
  }

  /** Takes no more calls, and closes when those that are open are answered. */
  retire(): void {
    this.#usable = false;
    if (!this.#session.destroyed) this.#session.close();
  }

  /** Ends it with all its calls, which fail with this. */
  destroy(failure: AmoskysError): void {
    this.#usable = false;
    clearInterval(this.#lifeSigns);
    for (const call of [...this.#calls]) call.abandon(failure);
    this.#session.destroy();
  }

  /** Whether anything was heard from the bus since then. */
  heardSince(monotonicMs: number): boolean {
    return this.#heardMs > monotonicMs;
  }

  /** Whatever comes is a sign of life, also the window updates of a slow upload. */
  #heard(): boolean {
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#askedMs = undefined;
    return true;
  }

  #checkLife(): void {
    const { clock, keepaliveMs, address } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#askedMs !== undefined) {
      if (nowMs - this.#askedMs < keepaliveMs / 2) return;
      this.destroy(localFailure("timeout", `The bus at ${address.text} gives no sign of life`, address.text));
    } else if (this.#calls.size > 0 && nowMs - this.#heardMs >= keepaliveMs) {
      this.#askedMs = nowMs;
      this.#session.ping(() => {});
    }
  }
}

/** What is seen of a bus that destroys a socket on which we have just sent something. */
function isReset(cause: unknown): boolean {
  const code = errnoOf(cause);
  return code === "ECONNRESET" || code === "EPIPE";
}

function openSocket({ address, tls }: ClientConnectionOptions): TLSSocket {
  const { ca, cert, key } = tls;
  const { host, port } = address;
  // a name is sent to the bus (SNI, RFC 6066) and compared with its certificate; an address is only compared
  const servername = isIP(host) ? undefined : host;
  return connectTls({
    host,
    port,
    servername,
    ca,
    cert,
    key,
    minVersion: "TLSv1.3",
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
  });
}
