import { resolve } from "node:path";
import type { LoadedConfig } from "../config/index.ts";
import type { Config } from "./config.ts";
import { readRunFile } from "./run-file.ts";

/** Hosts on which a bus listens everywhere, so also where its own host reaches it by this name. */
const anyAddress = new Set(["0.0.0.0", "::", "localhost", "127.0.0.1", "::1"]);

/**
 * Where the bus of a home is, as host:port. A bus that runs in this home tells its real port; a setting of
 * `agent.bus_address` that is no default stands.
 */
export function busAddress({ config, origins }: LoadedConfig<Config>, home: string): string {
  const isDefault = origins.get("agent.bus_address") === "default";
  if (!isDefault) return config.agent.bus_address;
  const port = readRunFile(resolve(home, config.storage.data_dir), "bus")?.port ?? config.eventbus.port;
  const { host } = config.eventbus;
  if (anyAddress.has(host)) return `localhost:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
