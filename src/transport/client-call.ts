import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { callFailure, localFailure, statusOfHttp } from "./client-failure.ts";
import { frameMessage } from "./grpc-frame.ts";
import { grpcStatusName } from "./grpc-status.ts";
import { decodeGrpcMessage, formatGrpcTimeout } from "./grpc-text.ts";
import { MessageSplitter } from "./message-splitter.ts";

/** The bus has not looked at the call: it can be made again on another connection. */
export class CallNotSeen extends Error {}

/** Bytes of one message of an answer. */
const answerBytesMax = 4 * 1024 * 1024;

export interface ClientCallOptions {
  readonly path: string;
  /** The one request message, sent as it stands. */
  readonly message: Uint8Array;
  /** Without one the call may last. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One call on one session: the stream, what came back on it, and what its end means. */
export class ClientCall {
  readonly #stream: ClientHttp2Stream;
  readonly #where: string;
  #headers: IncomingHttpHeaders | undefined;
  #trailers: IncomingHttpHeaders | undefined;
  #failure: AmoskysError | undefined;
  #error: unknown;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #onAbort = () => this.abandon(new AmoskysError("interrupted", "The call was given up"));

  /** Sends the request. Throws a CallNotSeen where the session takes no more calls. */
  constructor(session: ClientHttp2Session, where: string, options: ClientCallOptions) {
    this.#where = where;
    this.#stream = openStream(session, options);
    this.#stream.on("response", (headers) => {
      this.#headers = headers;
    });
    this.#stream.on("trailers", (headers) => {
      this.#trailers = headers;
    });
    this.#stream.on("error", (error) => {
      this.#error = error;
    });
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#expire(timeoutMs), timeoutMs);
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#stream.once("close", () => {
      clearTimeout(this.#timer);
      signal?.removeEventListener("abort", this.#onAbort);
    });
    if (signal?.aborted) this.#onAbort();
    this.#stream.end(frameMessage(options.message));
  }

  /** Ends the call with this failure. */
  abandon(failure: AmoskysError): void {
    this.#failure ??= failure;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Runs `listener` when the stream has closed. */
  onClose(listener: () => void): void {
    this.#stream.once("close", listener);
  }

  /** The one message of the answer. Throws an AmoskysError by class, or a CallNotSeen. */
  unary(): Promise<Uint8Array> {
    const messages: Uint8Array[] = [];
    const splitter = new MessageSplitter(answerBytesMax);
    this.#stream.on("data", (chunk: Buffer) => {
      if (this.#failure) return;
      try {
        messages.push(...splitter.push(chunk));
        if (messages.length > 1) throw new Error("the answer has more than one message");
      } catch (caught) {
        this.abandon(this.#broken(caught));
      }
    });
    return new Promise((resolve, reject) => {
      this.onClose(() => {
        const failure = this.#verdict();
        if (failure) return reject(failure);
        const [message] = messages;
        if (message && !splitter.partial) resolve(message);
        else reject(this.#broken(new Error("the answer has no whole message")));
      });
    });
  }

  /** The messages of the answer, read only as fast as they are asked for; leaving the loop ends the call. */
  async *messages(): AsyncGenerator<Uint8Array> {
    const splitter = new MessageSplitter(answerBytesMax);
    const closed = new Promise<void>((resolve) => this.onClose(resolve));
    try {
      for await (const chunk of this.#stream) {
        for (const message of splitter.push(chunk as Buffer)) yield message;
      }
    } catch (caught) {
      // the stream's own error is judged with all that is known when it has closed
      if (caught !== this.#error) throw caught instanceof AmoskysError ? caught : this.#broken(caught);
    } finally {
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
    await closed;
    const failure = this.#verdict();
    if (failure) throw failure;
    if (splitter.partial) throw this.#broken(new Error("the answer ends inside a message"));
  }

  #expire(timeoutMs: number): void {
    this.abandon(
      localFailure("timeout", `The bus at ${this.#where} did not answer within ${timeoutMs} ms`, this.#where),
    );
  }

  #broken(caught: unknown): AmoskysError {
    const why = caught instanceof Error ? caught.message : String(caught);
    return callFailure("INTERNAL", `what cannot be read: ${why}`, this.#where, caught);
  }

  /** What the end of the stream means; undefined for OK. */
  #verdict(): AmoskysError | CallNotSeen | undefined {
    if (this.#failure) return this.#failure;
    const headers = this.#headers;
    // a status in the first headers is an answer without a message (gRPC's Trailers-Only)
    const ended = this.#trailers ?? headers;
    const code = ended?.["grpc-status"];
    if (code !== undefined) {
      const status = grpcStatusName(Number(code));
      return status === "OK"
        ? undefined
        : callFailure(status, decodeGrpcMessage(String(ended?.["grpc-message"] ?? "")), this.#where);
    }
    const httpStatus = Number(headers?.[":status"] ?? 200);
    if (httpStatus !== 200) return callFailure(statusOfHttp(httpStatus), `HTTP status ${httpStatus}`, this.#where);
    if (isNotSeen(this.#stream, this.#error)) return new CallNotSeen("the bus did not take the call");
    const message = `The connection to the bus at ${this.#where} was lost before the answer`;
    return localFailure("unreachable", message, this.#where, this.#error);
  }
}

/** RFC 9113, section 8.7: a refused stream, and one above the last that a GOAWAY names, was not processed. */
function isNotSeen(stream: ClientHttp2Stream, error: unknown): boolean {
  return stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || errnoOf(error) === "ERR_HTTP2_GOAWAY_SESSION";
}

function openStream(session: ClientHttp2Session, { path, timeoutMs }: ClientCallOptions): ClientHttp2Stream {
  const headers = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
    "user-agent": "amoskys",
    ...(timeoutMs === undefined ? {} : { "grpc-timeout": formatGrpcTimeout(timeoutMs) }),
  };
  try {
    return session.request(headers);
  } catch (caught) {
    // a GOAWAY has come, or the session has ended, since it was chosen
    throw new CallNotSeen("the connection takes no more calls", { cause: caught });
  }
}
