import { systemClock } from "../core/clock.ts";
import { loadSigner, loadTlsMaterial, loadTrustMap } from "../identity/index.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";

/** What a home would run. */
export interface CheckedHome {
  readonly roles: readonly string[];
  /** The names in the trust map; empty where no bus runs here. */
  readonly agents: readonly string[];
  readonly notices: readonly string[];
}

/** Builds all that the configuration of a home names and binds nothing; throws the first thing that is wrong. */
export function checkHome(source: ConfigSource): CheckedHome {
  const loaded = loadHomeConfig(source);
  const { config, notices } = loaded;
  const places = identityPlaces(loaded, source.home);
  const allowGroupRead = config.crypto.allow_group_read;
  const tls = { allowGroupRead, nowMs: systemClock.wallMs() };
  const { roles } = config.up;
  let agents: string[] = [];
  if (roles.includes("bus")) {
    loadTlsMaterial(places.server, tls);
    agents = [...loadTrustMap(places.trustMap, { home: source.home }).entries.keys()];
  }
  if (roles.some((role) => role !== "bus")) {
    loadTlsMaterial(places.agent, tls);
    loadSigner({ seedPath: places.seed, agent: config.agent.name, allowGroupRead });
  }
  return { roles, agents, notices };
}
