import { type ClientHttp2Session, connect } from "node:http2";
import { isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { BusAddress } from "./bus-address.ts";
import { ClientCall, type ClientCallOptions } from "./client-call.ts";
import { connectFailure, localFailure } from "./client-failure.ts";
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
    const session = connect(`https://${address.text}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    return new Promise((resolve, reject) => {
      let secure = false;
      const onAbort = () => give(new AmoskysError("interrupted", "The client was closed"));
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const give = (failure: Error) => {
        settle();
        reject(failure);
        session.destroy();
        socket.destroy();
      };
      const late = `The bus at ${address.text} did not answer within ${connectTimeoutMs} ms`;
      const timer = setTimeout(() => give(localFailure("timeout", late, address.text)), connectTimeoutMs);
      socket.once("secureConnect", () => {
        secure = true;
      });
      session.on("error", (error) => give(connectFailure(error, address.text)));
      session.once("close", () => give(secure ? new ClosedEarly() : connectFailure(undefined, address.text)));
      signal.addEventListener("abort", onAbort, { once: true });
      session.once("remoteSettings", () => {
        settle();
        resolve(new ClientConnection(session, options));
      });
    });
  }

  private constructor(session: ClientHttp2Session, options: ClientConnectionOptions) {
    this.#session = session;
    this.#options = options;
    this.#heardMs = options.clock.monotonicMs();
    session.once("goaway", () => {
      this.#usable = false;
    });
    session.once("close", () => {
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
    call.onResponse(() => this.#heard());
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

  #heard(): void {
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#askedMs = undefined;
  }

  #checkLife(): void {
    const { clock, keepaliveMs, address } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#askedMs !== undefined) {
      if (nowMs - this.#askedMs < keepaliveMs / 2) return;
      this.destroy(localFailure("timeout", `The bus at ${address.text} gives no sign of life`, address.text));
    } else if (this.#calls.size > 0 && nowMs - this.#heardMs >= keepaliveMs) {
      this.#askedMs = nowMs;
      this.#session.ping((error) => {
        if (!error) this.#heard();
      });
    }
  }
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
