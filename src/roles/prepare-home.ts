import { relative } from "node:path";
import type { LoadedConfig } from "../config/index.ts";
import { systemClock } from "../core/clock.ts";
import { prepareIdentity } from "../identity/index.ts";
import type { Config } from "./config.ts";
import { homeIdentityPaths } from "./identity-places.ts";

/**
 * Sees to it that a home has the identity its roles need; makes all of it where the home is wholly empty. Answers what
 * to tell the person. Throws `identity_invalid` where only a part is missing.
 */
export async function prepareHome(
  home: string,
  loaded: LoadedConfig<Config>,
  roles: readonly string[],
): Promise<string[]> {
  const paths = homeIdentityPaths(loaded, home);
  const agent = loaded.config.agent.name;
  const needs = { bus: roles.includes("bus"), agent: roles.some((role) => role !== "bus") ? agent : undefined };
  const made = await prepareIdentity(paths, needs, { agent, nowMs: systemClock.wallMs() });
  if (!made) return [];
  if (made.finished) return ["Finished the certificates that an earlier start had begun"];
  const [certs, trustMap] = [relative(home, paths.certs), relative(home, paths.trustMap)];
  return [`Made certificates and keys in ${certs}/ and the trust map ${trustMap}`];
}
