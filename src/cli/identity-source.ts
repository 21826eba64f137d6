import type { Command } from "commander";
import type { IdentityPaths } from "../identity/index.ts";
import { type CliContext, configSource } from "./context.ts";

/** Where the identity of a home lies by its configuration, and how its key files may be shared. */
export interface IdentitySource {
  readonly paths: IdentityPaths;
  readonly allowGroupRead: boolean;
}

/** Finds the identity of the home that the options before a command name. */
export async function identitySource(command: Command, context: CliContext): Promise<IdentitySource> {
  const { loadHomeConfig } = await import("../roles/config.ts");
  const { homeIdentityPaths } = await import("../roles/identity-places.ts");
  const source = configSource(command, context);
  const loaded = loadHomeConfig(source);
  return { paths: homeIdentityPaths(loaded, source.home), allowGroupRead: loaded.config.crypto.allow_group_read };
}
