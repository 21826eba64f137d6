import { constants, type ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { ByteBudget } from "./byte-budget.ts";
import type { CallScope, OpenCall } from "./call-scope.ts";
import { type FrameAbuse, FrameGuard } from "./frame-guard.ts";
import type { Peer } from "./peer.ts";
import { TappedSocket } from "./tapped-socket.ts";

/** Why the server ends a connection. */
export type CutReason = FrameAbuse | "silent" | "unread" | "overstayed" | "disconnected" | "stopped";

/** The largest stream identifier (RFC 9113, section 5.1.1): a GOAWAY with it cuts nothing off (section 6.8). */
const streamIdMax = 2 ** 31 - 1;

/**
 * Until a peer has heard that it is to go; what it sent before that has arrived by then, or is refused and sent again.
 */
const leaveMs = 100;
/** Until a session that is closed and has no call is destroyed, in case that the peer does not close it. */
const closeMs = 1_000;

/** One peer's connection: its facts, its open calls, and its limits over time. */
export class Connection {
  readonly peer: Peer;
  readonly budget: ByteBudget;
  readonly calls = new Set<OpenCall>();
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #scope: CallScope;
  readonly #onCut: (reason: CutReason) => void;
  readonly #guard: FrameGuard;
  readonly #ageMs: number;
  readonly #openedMs: number;
  #busyMs: number;
  #receivedMs: number;
  #receivedSince = false;
  #askedMs: number | undefined;
  #leavingMs: number | undefined;

  /** Takes over a socket whose handshake is done; `jitter` lies between 0 and 1. */
  constructor(
    parts: { peer: Peer; socket: TLSSocket; handshake: (socket: Duplex) => ServerHttp2Session; jitter: number },
    scope: CallScope,
    onCut: (reason: CutReason) => void,
  ) {
    this.peer = parts.peer;
    this.#socket = parts.socket;
    this.#scope = scope;
    this.#onCut = onCut;
    this.#guard = new FrameGuard(scope.limits);
    this.budget = new ByteBudget(scope.limits.bufferedBytesPerConnectionMax, scope.budget);
    this.#ageMs = scope.limits.ageMs * (1 - parts.jitter / 5);
    this.#openedMs = scope.clock.monotonicMs();
    this.#busyMs = this.#openedMs;
    this.#receivedMs = this.#openedMs;
    this.#session = parts.handshake(new TappedSocket(parts.socket, (chunk) => this.#received(chunk)));
  }

  get session(): ServerHttp2Session {
    return this.#session;
  }

  /** Whether the handshake verified the certificate; asked again for every call, since it has been wrong before. */
  get authorized(): boolean {
    return this.#socket.authorized === true;
  }

  /** Whether new calls are no longer welcome. */
  get leaving(): boolean {
    return this.#leavingMs !== undefined;
  }

  open(call: OpenCall): void {
    this.calls.add(call);
  }

  /** The stream of a call has closed. */
  done(call: OpenCall): void {
    this.calls.delete(call);
    this.#busyMs = this.#scope.clock.monotonicMs();
    this.#closeSoon();
  }

  /**
   * Asks the peer to go: a first GOAWAY refuses nothing, so that calls on their way are answered too; streams that
   * never
   * end are ended; when nothing is open any more, the session is closed.
   */
  leave(): void {
    if (this.leaving || this.#session.destroyed) return;
    this.#leavingMs = this.#scope.clock.monotonicMs();
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, streamIdMax);
    for (const call of [...this.calls]) call.leave();
    this.#closeSoon();
  }

  /** Ends the connection with all that is open on it. */
  cut(reason: CutReason): void {
    if (this.#socket.destroyed) return;
    this.#onCut(reason);
    this.#session.destroy();
    this.#socket.destroy();
  }

  /** Holds the connection and its calls to their limits; called once per guard interval. */
  check(nowMs: number): void {
    const { limits } = this.#scope;
    this.#guard.renew();
    const stuck = [...this.calls].filter((call) => !call.check(nowMs));
    this.#checkSilence(nowMs);
    const idle = this.calls.size === 0 && nowMs - this.#busyMs > limits.idleMs;
    if (idle || nowMs - this.#openedMs > this.#ageMs) this.leave();
    if (stuck.length > 0) this.cut("unread");
    else if (this.#leavingMs !== undefined && nowMs - this.#leavingMs > limits.graceMs) this.cut("overstayed");
  }

  /** Closes once a peer that was asked to go has had time to hear of it and nothing is open. */
  #closeSoon(): void {
    if (!this.leaving || this.calls.size > 0) return;
    setTimeout(() => {
      if (this.calls.size > 0) return;
      this.#session.close();
      setTimeout(() => this.#session.destroy(), closeMs);
    }, leaveMs);
  }

  #checkSilence(nowMs: number): void {
    const { keepaliveMs } = this.#scope.limits;
    if (this.#receivedSince) {
      this.#receivedSince = false;
      this.#receivedMs = nowMs;
      this.#askedMs = undefined;
    } else if (this.#askedMs !== undefined) {
      if (nowMs - this.#askedMs > keepaliveMs) this.cut("silent");
    } else if (nowMs - this.#receivedMs > keepaliveMs) {
      this.#askedMs = nowMs;
      this.#session.ping(() => {});
    }
  }

  #received(chunk: Buffer): boolean {
    this.#receivedSince = true;
    const abuse = this.#guard.inspect(chunk);
    if (abuse) this.cut(abuse);
    return abuse === undefined;
  }
}
