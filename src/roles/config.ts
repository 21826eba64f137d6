import { z } from "zod";
import { busConfigSchema } from "../collectors/bus/index.ts";
import { flowConfigSchema } from "../collectors/flow/index.ts";
import { hostConfigSchema } from "../collectors/host/index.ts";
import { procConfigSchema } from "../collectors/proc/index.ts";
import { scanConfigSchema } from "../collectors/scan/index.ts";
import { snmpConfigSchema } from "../collectors/snmp/index.ts";
import { syntheticConfigSchema } from "../collectors/synthetic/index.ts";
import { syscallConfigSchema } from "../collectors/syscall/index.ts";
import { baseSections, type LoadedConfig, loadConfig } from "../config/index.ts";

/** The whole configuration: the base sections and one section for each collector. */
const configSchema = z.strictObject({
  ...baseSections,
  flow: flowConfigSchema.prefault({}),
  bus: busConfigSchema.prefault({}),
  proc: procConfigSchema.prefault({}),
  host: hostConfigSchema.prefault({}),
  syscall: syscallConfigSchema.prefault({}),
  snmp: snmpConfigSchema.prefault({}),
  scan: scanConfigSchema.prefault({}),
  synthetic: syntheticConfigSchema.prefault({}),
});

export type Config = z.infer<typeof configSchema>;

/** Where a command looks, and what its flags set. */
export interface ConfigSource {
  /** Absolute. */
  readonly home: string;
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Settings from the command line by dotted path; undefined ones are not set. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** Loads the configuration of a home; throws `config_invalid` with every problem at once. */
export function loadHomeConfig(source: ConfigSource): LoadedConfig<Config> {
  return loadConfig({ schema: configSchema, ...source });
}
