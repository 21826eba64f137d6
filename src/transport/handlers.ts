import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SubscribeRequest, SubscribeResponseSchema } from "../gen/amoskys/v1/bus_pb.ts";
import type {
  HealthRequest,
  HealthResponseSchema,
  StatusRequest,
  StatusResponseSchema,
} from "../gen/universal_telemetry_pb.ts";
import type { Peer } from "./peer.ts";

/** The calls that carry events. EventBus.Publish and UniversalEventBus.Publish are both "Publish". */
export type EventMethod = "Publish" | "PublishTelemetry" | "PublishTree" | "PublishEnvelopes";

/**
 * Takes the exact bytes of the one request message and answers the serialized ack. Throws a CallRefusal to answer with
 * a gRPC status; anything else that it throws reaches the peer as INTERNAL without a detail. The signal aborts when the
 * call's deadline has passed or the peer has gone; what is answered after that is dropped.
 */
export type EventHandler = (
  peer: Peer,
  method: EventMethod,
  bytes: Uint8Array,
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** Typed handlers of the calls that carry no events in. The same rules hold as for an EventHandler. */
export interface ServiceHandlers {
  getHealth(
    peer: Peer,
    request: HealthRequest,
    signal: AbortSignal,
  ): Promise<MessageInitShape<typeof HealthResponseSchema>>;
  getStatus(
    peer: Peer,
    request: StatusRequest,
    signal: AbortSignal,
  ): Promise<MessageInitShape<typeof StatusResponseSchema>>;
  /** Pulled only as fast as the peer reads; ended (its `return` is called) when the signal aborts. */
  subscribe(
    peer: Peer,
    request: SubscribeRequest,
    signal: AbortSignal,
  ): AsyncIterable<MessageInitShape<typeof SubscribeResponseSchema>>;
}
