import { resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";

/** Where a home's roles tell of themselves. */
export interface DataPlace {
  /** Absolute. */
  readonly dataDir: string;
  readonly healthHost: string;
}

/**
 * Finds what runs in a home. A configuration that is wrong now does not stop what runs from being looked at and ended:
 * the usual places are taken then.
 */
export function dataPlace(source: ConfigSource): DataPlace {
  try {
    const { storage, observability } = loadHomeConfig(source).config;
    return { dataDir: resolve(source.home, storage.data_dir), healthHost: observability.host };
  } catch (caught) {
    if (AmoskysError.from(caught).code !== "config_invalid") throw caught;
    return { dataDir: resolve(source.home, "data"), healthHost: "127.0.0.1" };
  }
}
