import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type CallScope, countCall } from "./call-scope.ts";
import type { Connection } from "./connection.ts";
import { EventCall, eventPaths } from "./event-call.ts";
import { CallRefusal } from "./grpc-status.ts";
import type { EventHandler, ServiceHandlers } from "./handlers.ts";
import { reportRefusedPeer } from "./peer-refusal.ts";
import { replyHttp, replyStatus } from "./reply.ts";
import { createServiceRouter } from "./service-calls.ts";

/** Takes a new stream of a connection and sees to it that it is answered. */
export type Dispatcher = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: Connection) => void;

const refusalTexts = {
  untrusted: "the certificate was not verified",
  no_single_name: "the certificate does not have exactly one CN that is an agent's name",
  wrong_use: "the certificate is not a client's",
} as const;

/** The content types of gRPC with protobuf; parameters do not occur in practice and are refused. */
function isGrpc(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"];
  return headers[":method"] === "POST" && (type === "application/grpc" || type === "application/grpc+proto");
}

/** What holds for every call before anybody looks at what it asks. */
function refusalOf(connection: Connection, headers: IncomingHttpHeaders, scope: CallScope): CallRefusal | undefined {
  const { peer, authorized } = connection;
  if (!authorized || !peer.name || !peer.clientUse) {
    const reason = !authorized ? "untrusted" : peer.name ? "wrong_use" : "no_single_name";
    reportRefusedPeer(scope, reason, peer.address);
    return new CallRefusal("UNAUTHENTICATED", refusalTexts[reason]);
  }
  if (scope.stopping) return new CallRefusal("UNAVAILABLE", "the bus is stopping");
  // without it something in between would drop the trailers, where the status is
  if (headers.te !== "trailers") return new CallRefusal("FAILED_PRECONDITION", "the call came without te: trailers");
  return undefined;
}

/**
 * Sends event calls to the raw path and the other calls to connect. A peer whose certificate is not a client's with one
 * valid name reaches no handler.
 */
export function createDispatcher(events: EventHandler, services: ServiceHandlers, scope: CallScope): Dispatcher {
  const serve = createServiceRouter(services, scope);
  return (stream, headers, connection) => {
    // an error of a stream is its end, and every call hears of that by "close"
    stream.on("error", () => {});
    if (!isGrpc(headers)) {
      replyHttp(stream, 415);
      return;
    }
    const refusal = refusalOf(connection, headers, scope);
    const method = eventPaths.get(String(headers[":path"]));
    if (!refusal && method) {
      new EventCall(stream, method, connection, scope, events).start(headers);
    } else if (refusal || !serve(stream, headers, connection)) {
      const { status, message } = refusal ?? new CallRefusal("UNIMPLEMENTED", "this bus has no such method");
      countCall(scope.observer, method ?? "other", status);
      replyStatus(stream, status, message);
    }
  };
}
