import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { Bus } from "../gen/amoskys/v1/bus_pb.ts";
import { UniversalEventBus } from "../gen/universal_telemetry_pb.ts";
import type { CallMethod, CallScope } from "./call-scope.ts";
import type { Connection } from "./connection.ts";
import type { ServiceHandlers } from "./handlers.ts";
import { ServiceCall } from "./service-call.ts";

/** Requests of these calls hold a few names at most. */
const requestBytesMax = 64 * 1024;

const methodNames: ReadonlyMap<string, CallMethod> = new Map(
  (["GetHealth", "GetStatus", "Subscribe"] as const).map((name) => [name, name]),
);

const callKey = createContextKey<ServiceCall | undefined>(undefined);

function callOf(context: HandlerContext): ServiceCall {
  const call = context.values.get(callKey);
  if (!call) throw new ConnectError("internal error", Code.Internal);
  return call;
}

function addRoutes(router: ConnectRouter, handlers: ServiceHandlers): void {
  router.service(UniversalEventBus, {
    getHealth: (request, context) =>
      callOf(context).answer(context.signal, (peer, signal) => handlers.getHealth(peer, request, signal)),
    getStatus: (request, context) =>
      callOf(context).answer(context.signal, (peer, signal) => handlers.getStatus(peer, request, signal)),
  });
  router.service(Bus, {
    subscribe: (request, context) =>
      callOf(context).stream(context.signal, (peer, signal) => handlers.subscribe(peer, request, signal)),
  });
}

/** Serves a call that is not one of events; answers whether its path is known. */
export type ServiceRouter = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  connection: Connection,
) => boolean;

/**
 * Routes the calls that carry no events in through connect, which decodes and encodes their messages. Methods of our
 * services that have no handler answer UNIMPLEMENTED.
 */
export function createServiceRouter(handlers: ServiceHandlers, scope: CallScope): ServiceRouter {
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: requestBytesMax,
    acceptCompression: [compressionGzip],
  });
  addRoutes(router, handlers);
  const routes = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (stream, headers, connection) => {
    const route = routes.get(String(headers[":path"]));
    if (!route) return false;
    const call = new ServiceCall(stream, methodNames.get(route.method.name) ?? "other", connection, scope);
    void serve(route, stream, headers, call);
    return true;
  };
}

async function serve(
  route: UniversalHandler,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  call: ServiceCall,
): Promise<void> {
  try {
    const answer = await route({
      httpVersion: "2.0",
      method: "POST",
      // connect looks at its path alone
      url: `https://bus${route.requestPath}`,
      header: webHeaders(headers),
      // a request that is not read to its end is answered all the same
      body: stream.iterator({ destroyOnReturn: false }),
      signal: call.gone,
      contextValues: createContextValues().set(callKey, call),
    });
    await send(stream, answer, call);
  } catch {
    // the peer has gone, or its connection was cut: nobody is left to be told
    stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** Sends an answer only as fast as the peer takes it; one that goes meanwhile ends what makes the answer. */
async function send(stream: ServerHttp2Stream, answer: UniversalServerResponse, call: ServiceCall): Promise<void> {
  const trailers = () => Object.fromEntries(answer.trailer ?? []);
  if (stream.closed) return;
  stream.respond({ ":status": answer.status, ...Object.fromEntries(answer.header ?? []) }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(trailers()));
  for await (const chunk of answer.body ?? []) {
    if (stream.closed) return;
    if (!stream.write(chunk)) await roomIn(stream);
  }
  call.answered(answer.trailer);
  stream.end();
}

/** Resolves when a stream takes more, or will never again. */
function roomIn(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}

function webHeaders(headers: IncomingHttpHeaders): Headers {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(":") && value !== undefined) web.set(name, String(value));
  }
  return web;
}
