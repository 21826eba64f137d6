import { constants, type ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { type CallMethod, type CallScope, countCall, type OpenCall, refusalOf } from "./call-scope.ts";
import type { Connection } from "./connection.ts";
import { CallRefusal, type GrpcStatus, grpcStatusCodes, grpcStatusName } from "./grpc-status.ts";
import type { Peer } from "./peer.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** One call that connect decodes and encodes: who asks, its limits, and what its failures become. */
export class ServiceCall implements OpenCall {
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #scope: CallScope;
  readonly #abort = new AbortController();
  readonly #gone = new AbortController();
  readonly #startedMs: number;
  readonly #method: CallMethod;
  #status: GrpcStatus | undefined;
  #endless = false;
  #over = false;
  #sent = 0;
  #progress = { sent: 0, waitingBytes: 0, sinceMs: 0 };

  constructor(stream: ServerHttp2Stream, method: CallMethod, connection: Connection, scope: CallScope) {
    this.#stream = stream;
    this.#method = method;
    this.#connection = connection;
    this.#scope = scope;
    this.#startedMs = scope.clock.monotonicMs();
    connection.open(this);
    stream.on("close", () => this.finish());
  }

  /** Aborts when the stream has closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Runs a unary handler. */
  async answer<T>(signal: AbortSignal, handle: (peer: Peer, signal: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#abort.signal]);
    try {
      const answer = await unlessAborted(handle(this.#connection.peer, either), either, () => either.reason);
      this.#status = "OK";
      return answer;
    } catch (caught) {
      throw this.#failed(caught, either);
    }
  }

  /** Runs a handler that streams; its next message is asked for when the peer has taken the one before. */
  async *stream<T>(
    signal: AbortSignal,
    handle: (peer: Peer, signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    this.#endless = true;
    const either = AbortSignal.any([signal, this.#abort.signal]);
    const messages = handle(this.#connection.peer, either)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await unlessAborted(messages.next(), either, () => either.reason);
        if (next.done) break;
        this.#sent += 1;
        yield next.value;
      }
      this.#status = "OK";
    } catch (caught) {
      throw this.#failed(caught, either);
    } finally {
      // not waited for: a handler that does not hear of its end must not keep the call
      void Promise.resolve(messages.return?.()).catch(() => {});
    }
  }

  check(nowMs: number): boolean {
    if (this.#endless) {
      this.#checkReader(nowMs);
      return true;
    }
    const { bodyMs, callMs, stalledMs } = this.#scope.limits;
    const ageMs = nowMs - this.#startedMs;
    if (!this.#stream.readableEnded && ageMs > bodyMs) this.#stream.close(constants.NGHTTP2_CANCEL);
    else if (ageMs > callMs) this.#end("DEADLINE_EXCEEDED", `the call was not answered within ${callMs} ms`);
    return ageMs <= callMs + stalledMs;
  }

  leave(): void {
    if (this.#endless) this.#end("UNAVAILABLE", "the connection is to be renewed; subscribe again behind the last id");
  }

  /** All was handed to the stream; what connect says at the end counts, so that refusals of its own do too. */
  answered(trailer: Headers | undefined): void {
    const code = trailer?.get("grpc-status");
    if (code) this.#status ??= grpcStatusName(Number(code));
  }

  /** The call is over, whoever ended it. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.done(this);
    countCall(this.#scope.observer, this.#method, this.#status ?? "CANCELLED");
    this.#gone.abort(new ConnectError("the peer has gone", Code.Canceled));
  }

  /** Ends a stream whose peer has taken nothing for too long, though something waits for it. */
  #checkReader(nowMs: number): void {
    const { stalledMs } = this.#scope.limits;
    const { writableLength } = this.#stream;
    const { sent, waitingBytes, sinceMs } = this.#progress;
    if (writableLength === 0 || this.#sent !== sent || writableLength !== waitingBytes) {
      this.#progress = { sent: this.#sent, waitingBytes: writableLength, sinceMs: nowMs };
    } else if (nowMs - sinceMs > stalledMs) {
      this.#end("UNAVAILABLE", `the stream was not read for ${stalledMs} ms`);
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  #end(status: Exclude<GrpcStatus, "OK">, message: string): void {
    this.#status ??= status;
    this.#abort.abort(new CallRefusal(status, message));
  }

  #failed(caught: unknown, signal: AbortSignal): ConnectError {
    const cause: unknown = signal.aborted ? signal.reason : caught;
    if (signal.aborted && !(cause instanceof CallRefusal)) {
      // connect's own reason: the deadline of the call, or a peer that has gone
      const gone = ConnectError.from(cause, Code.Canceled);
      this.#status = grpcStatusName(gone.code);
      return gone;
    }
    const refusal = refusalOf(cause, this.#method, this.#connection, this.#scope);
    this.#status = refusal.status;
    return new ConnectError(refusal.message, grpcStatusCodes[refusal.status] as Code);
  }
}
