/**
 * gRPC over HTTP/2 and mutual TLS 1.3: the bus's server and its client, status codes, limits. It hands over the exact
 * bytes of a message and the facts of the peer's certificate; it may not know what a message means, who is trusted, or
 * any other room of its floor. Nothing here is durable: an answer is passed on only after the handler gave it.
 */
export { parseBusAddress } from "./bus-address.ts";
export { type BusClient, type BusClientOptions, createBusClient } from "./client.ts";
export { CallRefusal, type GrpcStatus } from "./grpc-status.ts";
export type { EventHandler, EventMethod, ServiceHandlers } from "./handlers.ts";
export type { ServerLimits } from "./limits.ts";
export type { Peer } from "./peer.ts";
export { findPortHolder } from "./port-holder.ts";
export { type BusServer, type BusServerOptions, createBusServer } from "./server.ts";
export type { TlsMaterial } from "./tls-material.ts";
