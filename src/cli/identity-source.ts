import type { Command } from "commander";
import type { LoadedConfig } from "../config/index.ts";
import type { Config } from "../roles/config.ts";
import type { HomeIdentity } from "../tasks/doctor-certificates.ts";
import { type CliContext, configSource } from "./context.ts";

/** Where the identity of a home lies by its configuration, what of it is needed, and how its keys may be shared. */
export async function homeIdentity(loaded: LoadedConfig<Config>, home: string): Promise<HomeIdentity> {
  const { homeIdentityPaths, identityPlaces } = await import("../roles/identity-places.ts");
  const { config, origins } = loaded;
  return {
    paths: homeIdentityPaths(loaded, home),
    allowGroupRead: config.crypto.allow_group_read,
    agent: config.agent.name,
    // the default names a bus on every host, also on those that were never meant to run one
    hasBus: origins.get("up.roles") !== "default" && config.up.roles.includes("bus"),
    serverCert: identityPlaces(loaded, home).server.cert,
  };
}

/** The identity of the home that the options before a command name. */
export async function identitySource(command: Command, context: CliContext): Promise<HomeIdentity> {
  const { loadHomeConfig } = await import("../roles/config.ts");
  const source = configSource(command, context);
  return homeIdentity(loadHomeConfig(source), source.home);
}
