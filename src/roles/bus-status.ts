import { toJson } from "@bufbuild/protobuf";
import { systemClock } from "../core/clock.ts";
import { silentObserver } from "../core/observer.ts";
import {
  type HealthResponse,
  HealthResponseSchema,
  type StatusResponse,
  StatusResponseSchema,
} from "../gen/universal_telemetry_pb.ts";
import { loadTlsMaterial } from "../identity/index.ts";
import { createBusClient } from "../transport/index.ts";
import { busAddress } from "./bus-address.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";

/** What a running bus says of itself. */
export interface BusStatus {
  /** host:port. */
  readonly address: string;
  readonly health: HealthResponse;
  readonly status: StatusResponse;
}

const askMsMax = 5_000;

/** Asks the bus of a home over mutual TLS, as its operator. Throws what the client throws, and `identity_invalid`. */
export async function askBusStatus(source: ConfigSource): Promise<BusStatus> {
  const loaded = loadHomeConfig(source);
  const address = busAddress(loaded, source.home);
  const tls = loadTlsMaterial(identityPlaces(loaded, source.home).operator, {
    allowGroupRead: loaded.config.crypto.allow_group_read,
    nowMs: systemClock.wallMs(),
  });
  const client = createBusClient({
    address,
    tls,
    observer: silentObserver,
    clock: systemClock,
    callTimeoutMs: askMsMax,
    connectTimeoutMs: askMsMax,
  });
  try {
    const [health, status] = await Promise.all([client.getHealth(), client.getStatus()]);
    return { address, health, status };
  } finally {
    await client.close();
  }
}

/** The same in protobuf's JSON mapping. */
export function busStatusJson({ address, health, status }: BusStatus): Record<string, unknown> {
  const options = { alwaysEmitImplicit: true };
  return {
    address,
    health: toJson(HealthResponseSchema, health, options),
    status: toJson(StatusResponseSchema, status, options),
  };
}
