import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type CallScope, countCall, type OpenCall, refusalOf } from "./call-scope.ts";
import type { Connection } from "./connection.ts";
import { CallRefusal, type GrpcStatus } from "./grpc-status.ts";
import { parseGrpcTimeout } from "./grpc-text.ts";
import type { EventHandler, EventMethod } from "./handlers.ts";
import { slowestBytesPerMs } from "./limits.ts";
import { type MessageEncoding, MessageReader } from "./message-reader.ts";
import { replyMessage, replyStatus } from "./reply.ts";

/** The paths of the calls that carry events, and what they are to the handler. */
export const eventPaths: ReadonlyMap<string, EventMethod> = new Map([
  ["/messaging.EventBus/Publish", "Publish"],
  ["/messaging.UniversalEventBus/Publish", "Publish"],
  ["/messaging.UniversalEventBus/PublishTelemetry", "PublishTelemetry"],
  ["/amoskys.v1.Bus/PublishTree", "PublishTree"],
  ["/amoskys.v1.Bus/PublishEnvelopes", "PublishEnvelopes"],
]);

/**
 * One call that carries events: the exact bytes of its one message go to the handler, the handler's bytes go back. What
 * connect does for the other calls cannot be used here, since it hands over decoded messages.
 */
export class EventCall implements OpenCall {
  readonly #stream: ServerHttp2Stream;
  readonly #method: EventMethod;
  readonly #connection: Connection;
  readonly #scope: CallScope;
  readonly #handler: EventHandler;
  readonly #reader: MessageReader;
  readonly #abort = new AbortController();
  readonly #startedMs: number;
  #encoding: MessageEncoding = "identity";
  #heldBytes = 0;
  #receivedMs: number | undefined;
  #answeredMs: number | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(
    stream: ServerHttp2Stream,
    method: EventMethod,
    connection: Connection,
    scope: CallScope,
    handler: EventHandler,
  ) {
    this.#stream = stream;
    this.#method = method;
    this.#connection = connection;
    this.#scope = scope;
    this.#handler = handler;
    this.#reader = new MessageReader(scope.limits.requestBytesMax);
    this.#startedMs = scope.clock.monotonicMs();
  }

  /** Begins to read the request; every end of the call is taken care of from here on. */
  start(headers: IncomingHttpHeaders): void {
    this.#connection.open(this);
    this.#stream.on("close", () => {
      this.#finish("CANCELLED");
      this.#connection.done(this);
    });
    this.#stream.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#stream.on("end", () => void this.#run());
    try {
      this.#encoding = readEncoding(headers);
      this.#setDeadline(headers);
    } catch (caught) {
      this.#refuse(caught);
    }
  }

  check(nowMs: number): boolean {
    const { bodyMs, callMs, stalledMs } = this.#scope.limits;
    if (this.#answeredMs !== undefined) return nowMs - this.#answeredMs <= stalledMs;
    if (this.#receivedMs === undefined) {
      const allowedMs = bodyMs + this.#heldBytes / slowestBytesPerMs;
      if (nowMs - this.#startedMs > allowedMs) this.#expire("the request did not arrive in time");
    } else if (nowMs - this.#receivedMs > callMs) {
      this.#expire(`the call was not answered within ${callMs} ms`);
    }
    return true;
  }

  leave(): void {}

  get #over(): boolean {
    return this.#answeredMs !== undefined;
  }

  #setDeadline(headers: IncomingHttpHeaders): void {
    const text = headers["grpc-timeout"];
    if (text === undefined) return;
    const ms = parseGrpcTimeout(String(text));
    if (ms === undefined) throw new CallRefusal("INVALID_ARGUMENT", "grpc-timeout is malformed");
    // a longer one is held by the call's own limit
    if (ms > this.#scope.limits.callMs) return;
    this.#deadline = setTimeout(() => this.#expire("the deadline of the call has passed"), ms);
  }

  #expire(message: string): void {
    this.#refuse(new CallRefusal("DEADLINE_EXCEEDED", message));
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.#hold(this.#reader.push(chunk));
    } catch (caught) {
      this.#refuse(caught);
    }
  }

  #hold(bytes: number): void {
    if (bytes <= 0) return;
    if (!this.#connection.budget.take(bytes)) {
      throw new CallRefusal("UNAVAILABLE", "too many bytes wait for their answer");
    }
    this.#heldBytes += bytes;
  }

  async #run(): Promise<void> {
    if (this.#over) return;
    const { clock, observer } = this.#scope;
    const receivedMs = clock.monotonicMs();
    this.#receivedMs = receivedMs;
    observer.observe("amoskys_bus_call_duration_seconds", (receivedMs - this.#startedMs) / 1000, { stage: "receive" });
    try {
      const bytes = await this.#reader.end(this.#encoding, this.#scope.decompressions);
      if (this.#over) return;
      this.#hold(bytes.length - this.#heldBytes);
      const ack = await this.#handler(this.#connection.peer, this.#method, bytes, this.#abort.signal);
      if (this.#over) return;
      observer.observe("amoskys_bus_call_duration_seconds", (clock.monotonicMs() - receivedMs) / 1000, {
        stage: "handle",
      });
      observer.count("amoskys_bus_received_bytes_total", {}, bytes.length);
      observer.count("amoskys_bus_sent_bytes_total", {}, ack.length);
      this.#finish("OK");
      replyMessage(this.#stream, ack);
    } catch (caught) {
      this.#refuse(caught);
    }
  }

  #refuse(caught: unknown): void {
    if (this.#over) return;
    const refusal = refusalOf(caught, this.#method, this.#connection, this.#scope);
    this.#finish(refusal.status);
    replyStatus(this.#stream, refusal.status, refusal.message);
    this.#abort.abort(refusal);
  }

  #finish(status: GrpcStatus): void {
    if (this.#over) return;
    this.#answeredMs = this.#scope.clock.monotonicMs();
    clearTimeout(this.#deadline);
    this.#connection.budget.release(this.#heldBytes);
    countCall(this.#scope.observer, this.#method, status);
    if (status === "CANCELLED") this.#abort.abort(new CallRefusal("CANCELLED", "the peer has gone"));
  }
}

function readEncoding(headers: IncomingHttpHeaders): MessageEncoding {
  const encoding = headers["grpc-encoding"] ?? "identity";
  if (encoding === "identity" || encoding === "gzip") return encoding;
  throw new CallRefusal("UNIMPLEMENTED", "the request's grpc-encoding is not known; identity and gzip are");
}
