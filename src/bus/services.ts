import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Clock } from "../core/clock.ts";
import { schemaNumber } from "../envelope/index.ts";
import type { StatusResponseSchema } from "../gen/universal_telemetry_pb.ts";
import { judgePeer, permissions, type TrustMap } from "../identity/index.ts";
import { CallRefusal, type Peer, type ServiceHandlers } from "../transport/index.ts";
import { type BusHealth, healthResponse } from "./bus-health.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Figures about the bus, for GetStatus. */
export interface BusFigures {
  readonly storedTotal: number;
  readonly storedPerSecond: number;
  readonly connections: number;
  readonly load: number;
  /** Further ones by name. */
  readonly metrics: Readonly<Record<string, string | number>>;
}

export interface ServicesOptions {
  readonly trust: () => TrustMap;
  readonly clock: Clock;
  readonly version: string;
  readonly subscriptions: Subscriptions;
  readonly health: () => BusHealth;
  readonly figures: () => BusFigures;
}

/** Answers the calls that carry no events in. */
export function createServices(options: ServicesOptions): ServiceHandlers {
  const { trust, clock, version, subscriptions } = options;
  const startedMs = clock.monotonicMs();

  function status(): MessageInitShape<typeof StatusResponseSchema> {
    const { storedTotal, storedPerSecond, connections, load, metrics } = options.figures();
    return {
      serviceVersion: version,
      uptimeSeconds: BigInt(Math.floor((clock.monotonicMs() - startedMs) / 1000)),
      connectedDevices: connections,
      totalEventsProcessed: BigInt(storedTotal),
      eventsPerSecond: BigInt(Math.round(storedPerSecond)),
      currentLoad: load,
      serviceMetrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, String(value)])),
      schema: schemaNumber,
    };
  }

  return {
    async getHealth(peer, { components }) {
      assertMayAsk(peer, trust(), clock.wallMs());
      return healthResponse(options.health(), components, clock.wallNs());
    },
    async getStatus(peer) {
      assertMayAsk(peer, trust(), clock.wallMs());
      return status();
    },
    subscribe: (peer, request, signal) => subscriptions.subscribe(peer, request, signal),
  };
}

/** Throws a CallRefusal unless the peer may do anything at all here. */
function assertMayAsk(peer: Peer, trust: TrustMap, nowMs: number): void {
  const verdicts = permissions.map((permission) => judgePeer(peer, permission, trust, nowMs));
  const refusal = verdicts.find((verdict) => !verdict.ok);
  if (!refusal || refusal.ok || verdicts.some((verdict) => verdict.ok)) return;
  const status = refusal.code === "not_permitted" ? "PERMISSION_DENIED" : "UNAUTHENTICATED";
  throw new CallRefusal(status, `${refusal.code}: ${refusal.reason}`);
}
