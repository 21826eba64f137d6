import { resolve } from "node:path";
import type { Config } from "./config.ts";

/** Where the bus of a home keeps its log; absolute. */
export function busLogPath({ storage }: Config, home: string): string {
  return resolve(home, storage.storage_dir, "bus.db");
}
