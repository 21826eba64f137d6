import { performServerHandshake, type ServerOptions } from "node:http2";
import type { Duplex } from "node:stream";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { errnoOf } from "../core/errors.ts";
import type { Lifecycle } from "../core/lifecycle.ts";
import type { Observer } from "../core/observer.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { CallScope } from "./call-scope.ts";
import { Connection, type CutReason } from "./connection.ts";
import { ConnectionTable } from "./connection-table.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import type { EventHandler, ServiceHandlers } from "./handlers.ts";
import { defaultServerLimits, type ServerLimits } from "./limits.ts";
import { listen } from "./listen.ts";
import { LogRate } from "./log-rate.ts";
import { peerOf } from "./peer.ts";
import { classifyHandshake, reportRefusedPeer } from "./peer-refusal.ts";
import { assertUsable, listenerOptions, secureContextOptions } from "./server-tls.ts";
import type { TlsMaterial } from "./tls-material.ts";
import { Turns } from "./turns.ts";

export interface BusServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: TlsMaterial;
  /** Revocation list, PEM. */
  readonly crl?: string;
  readonly events: EventHandler;
  readonly services: ServiceHandlers;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly limits?: Partial<ServerLimits>;
  /** Between 0 (inclusive) and 1; spreads the ages at which connections are renewed. */
  readonly random?: () => number;
}

/** The bus's door. `stop` answers what is in flight, refuses what is new, and cuts off what is left at the deadline. */
export interface BusServer extends Lifecycle {
  /** The port that is listened on; 0 before the start. */
  readonly port: number;
  /**
   * New material for the next handshakes; open connections go on. Without `crl` the list in force stays. Throws
   * `identity_invalid`, and what was in force stays, where it cannot be used.
   */
  setTls(tls: TlsMaterial, crl?: string): void;
  /** Ends every connection whose certificate names this peer. */
  disconnect(name: string): void;
  /** Connections whose handshake is done. */
  connections(): number;
}

/** Builds the server; nothing listens before `start`. Throws `identity_invalid` where its material cannot be used. */
export function createBusServer(options: BusServerOptions): BusServer {
  return new GrpcServer(options);
}

/**
 * Bytes that a peer may have under way on one connection, and on one stream of it. Both are the same, because Bun 1.4
 * renews the window of a stream only when half of the connection's was used on it: a stream with less than that half
 * never gets more, and its call hangs.
 */
const windowBytes = 256 * 1024;

/** Messages that are decompressed at once, each to the size of a request at most. */
const decompressionsAtOnce = 4;

/** Where a connection comes from; IPv4 looks the same on a listener for both families (RFC 4291, section 2.5.5.2). */
function addressOf(socket: TLSSocket): string {
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=[\d.]+$)/, "");
}

function sessionOptions(limits: ServerLimits): ServerOptions {
  return {
    settings: {
      maxConcurrentStreams: limits.streamsMax,
      maxHeaderListSize: limits.headerBytesMax,
      initialWindowSize: windowBytes,
      enablePush: false,
    },
    maxHeaderListPairs: limits.headerPairsMax,
    maxSettings: 32,
    maxOutstandingPings: 10,
    maxSessionInvalidFrames: 32,
    maxSessionRejectedStreams: limits.streamsMax,
    streamResetBurst: limits.resetsMax,
    streamResetRate: Math.ceil((limits.resetsMax * 1000) / limits.guardMs),
  };
}

class GrpcServer implements BusServer {
  readonly #options: BusServerOptions;
  readonly #scope: CallScope;
  readonly #table: ConnectionTable;
  readonly #dispatch: Dispatcher;
  readonly #random: () => number;
  #tls: TlsMaterial;
  #crl: string | undefined;
  #server: Server | undefined;
  #guards: ReturnType<typeof setInterval> | undefined;
  #port = 0;

  constructor(options: BusServerOptions) {
    const limits = { ...defaultServerLimits, ...options.limits };
    const { observer, clock } = options;
    assertUsable(options.tls, options.crl);
    this.#options = options;
    this.#tls = options.tls;
    this.#crl = options.crl;
    this.#random = options.random ?? Math.random;
    const logRate = new LogRate(observer, clock);
    const budget = new ByteBudget(limits.bufferedBytesMax);
    const decompressions = new Turns(decompressionsAtOnce);
    this.#scope = { limits, clock, observer, logRate, budget, decompressions, stopping: false };
    this.#table = new ConnectionTable(limits, observer);
    this.#dispatch = createDispatcher(options.events, options.services, this.#scope);
  }

  get port(): number {
    return this.#port;
  }

  connections(): number {
    return this.#table.size;
  }

  async start(): Promise<void> {
    const { limits } = this.#scope;
    const server = createServer(listenerOptions(this.#tls, this.#crl, limits));
    server.on("connection", (socket: TLSSocket) => this.#table.admit(socket, addressOf(socket)));
    server.on("secureConnection", (socket) => this.#connected(socket));
    server.on("tlsClientError", (error, socket) => this.#handshakeFailed(error, socket));
    this.#port = await listen(server, this.#options.host, this.#options.port);
    server.on("error", (error) => this.#scope.logRate.log("error", "the listener failed", { error }));
    this.#server = server;
    this.#guards = setInterval(() => this.#check(), limits.guardMs);
  }

  setTls(tls: TlsMaterial, crl = this.#crl): void {
    assertUsable(tls, crl);
    this.#tls = tls;
    this.#crl = crl;
    this.#server?.setSecureContext(secureContextOptions(tls, crl));
  }

  disconnect(name: string): void {
    for (const connection of this.#table.connections()) {
      if (connection.peer.name === name) connection.cut("disconnected");
    }
  }

  async stop(deadlineMs: number): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#scope.stopping = true;
    server.close();
    this.#table.dropUnfinished();
    for (const connection of this.#table.connections()) connection.leave();
    const { promise: deadline, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    await Promise.race([this.#table.empty(), deadline]);
    clearTimeout(timer);
    clearInterval(this.#guards);
    for (const connection of this.#table.connections()) connection.cut("stopped");
    this.#table.dropUnfinished();
    this.#server = undefined;
  }

  /** A handshake is done; nothing is believed because of it that is not looked at here again. */
  #connected(socket: TLSSocket): void {
    const peer = socket.authorized === true ? peerOf(socket, addressOf(socket)) : undefined;
    const { observer, stopping } = this.#scope;
    const h2 = socket.alpnProtocol === "h2";
    if (!peer || !h2 || stopping) {
      if (!peer) reportRefusedPeer(this.#scope, "untrusted", addressOf(socket));
      else if (!h2) observer.count("amoskys_bus_handshake_failures_total", { reason: "protocol" });
      socket.destroy();
      return;
    }
    const cut = (reason: CutReason) => {
      observer.count("amoskys_bus_connections_cut_total", { reason });
      if (reason === "stopped" || reason === "overstayed") return;
      this.#scope.logRate.log("warn", "a connection was cut off", { reason, peer: peer.name, address: peer.address });
    };
    const handshake = (of: Duplex) => performServerHandshake(of, sessionOptions(this.#scope.limits));
    const connection = new Connection({ peer, socket, handshake, jitter: this.#random() }, this.#scope, cut);
    const { session } = connection;
    session.on("stream", (stream, headers) => this.#dispatch(stream, headers, connection));
    session.on("error", (error) => {
      // the parser found what is no HTTP/2, or too much of it, and has ended the session; others are peers that went
      if (errnoOf(error)?.startsWith("ERR_HTTP2_")) {
        observer.count("amoskys_bus_connections_cut_total", { reason: "protocol" });
      }
    });
    session.setLocalWindowSize(windowBytes);
    this.#table.add(connection, socket);
  }

  #handshakeFailed(error: Error, socket: TLSSocket): void {
    const failure = classifyHandshake(error);
    if ("authentication" in failure) reportRefusedPeer(this.#scope, failure.authentication, addressOf(socket));
    else this.#scope.observer.count("amoskys_bus_handshake_failures_total", { reason: failure.handshake });
    socket.destroy();
  }

  #check(): void {
    const nowMs = this.#scope.clock.monotonicMs();
    for (const connection of this.#table.connections()) connection.check(nowMs);
  }
}
