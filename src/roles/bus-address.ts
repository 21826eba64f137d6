import { resolve } from "node:path";
import type { LoadedConfig } from "../config/index.ts";
import type { Config } from "./config.ts";
import { readRunFile } from "./run-file.ts";

/**
 * Where the bus of a home is, as host:port. A bus that runs in this home tells its real port; a setting of
 * `agent.bus_address` that is no default stands.
 */
export function busAddress({ config, origins }: LoadedConfig<Config>, home: string): string {
  const isDefault = origins.get("agent.bus_address") === "default";
  if (!isDefault) return config.agent.bus_address;
  const port = readRunFile(resolve(home, config.storage.data_dir), "bus")?.port ?? config.eventbus.port;
  return `localhost:${port}`;
}
