import { systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import { loadSigner, loadTlsMaterial, loadTrustMap } from "../identity/index.ts";
import { assertSettings } from "./check-settings.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";

/** What a home would run. */
export interface CheckedHome {
  readonly roles: readonly string[];
  /** The names in the trust map; empty where no bus runs here. */
  readonly agents: readonly string[];
  readonly notices: readonly string[];
}

/** What only a bus needs may be missing because no bus is meant to run here. */
function withRolesHint<T>(load: () => T): T {
  try {
    return load();
  } catch (caught) {
    const { code, message, hint, cause } = AmoskysError.from(caught);
    const roles = "where no bus is to run, set up.roles without bus";
    throw new AmoskysError(code, message, { hint: hint ? `${hint}; ${roles}` : roles, cause });
  }
}

/** Builds all that the configuration of a home names and binds nothing; throws the first thing that is wrong. */
export async function checkHome(source: ConfigSource): Promise<CheckedHome> {
  const loaded = loadHomeConfig(source);
  await assertSettings(loaded, source.home);
  const { config, notices } = loaded;
  const places = identityPlaces(loaded, source.home);
  const allowGroupRead = config.crypto.allow_group_read;
  const tls = { allowGroupRead, nowMs: systemClock.wallMs() };
  const { roles } = config.up;
  let agents: string[] = [];
  if (roles.includes("bus")) {
    agents = withRolesHint(() => {
      loadTlsMaterial(places.server, tls);
      return [...loadTrustMap(places.trustMap, { home: source.home }).entries.keys()];
    });
  }
  if (roles.some((role) => role !== "bus")) {
    loadTlsMaterial(places.agent, tls);
    loadSigner({ seedPath: places.seed, agent: config.agent.name, allowGroupRead });
  }
  return { roles, agents, notices };
}
