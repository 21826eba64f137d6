import type { BusProbe } from "../collectors/bus/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import { systemClock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import { loadTlsMaterial } from "../identity/index.ts";
import { type BusClient, createBusClient } from "../transport/index.ts";
import { busAddress } from "./bus-address.ts";
import { createBusProbe } from "./bus-probe.ts";
import type { Config } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";

/** How a collector that prints asks the bus of its home, with this host's identity. The client is to be closed. */
export function openBusProbe(
  loaded: LoadedConfig<Config>,
  home: string,
  observer: Observer,
): { readonly probe: BusProbe; readonly client: BusClient } {
  const address = busAddress(loaded, home);
  const { agent } = identityPlaces(loaded, home);
  const allowGroupRead = loaded.config.crypto.allow_group_read;
  const tls = loadTlsMaterial(agent, { allowGroupRead, nowMs: systemClock.wallMs() });
  const client = createBusClient({ address, tls, observer, clock: systemClock });
  return { probe: createBusProbe(client, address), client };
}
