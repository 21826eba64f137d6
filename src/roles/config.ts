import { z } from "zod";
import { busConfigSchema } from "../collectors/bus/index.ts";
import { flowConfigSchema } from "../collectors/flow/index.ts";
import { hostConfigSchema } from "../collectors/host/index.ts";
import { procConfigSchema } from "../collectors/proc/index.ts";
import { scanConfigSchema } from "../collectors/scan/index.ts";
import { snmpConfigSchema } from "../collectors/snmp/index.ts";
import { syntheticConfigSchema } from "../collectors/synthetic/index.ts";
import { syscallConfigSchema } from "../collectors/syscall/index.ts";
import { baseSections, bytesSchema, type LoadedConfig, loadConfig } from "../config/index.ts";

/**
 * A collector's section with what its agent may use of its host: percent of one processor over a minute, and resident
 * memory.
 */
function agentSection<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  { cpu_percent, memory }: { cpu_percent: number; memory: string },
) {
  const budget = z.strictObject({
    cpu_percent: z.number().positive().max(100_000).default(cpu_percent),
    memory: bytesSchema.prefault(memory),
  });
  return schema.extend({ budget: budget.prefault({}) }).prefault({} as never);
}

/** One section for each collector. */
const collectorSections = {
  flow: agentSection(flowConfigSchema, { cpu_percent: 100, memory: "512MiB" }),
  bus: agentSection(busConfigSchema, { cpu_percent: 5, memory: "192MiB" }),
  proc: agentSection(procConfigSchema, { cpu_percent: 10, memory: "192MiB" }),
  host: agentSection(hostConfigSchema, { cpu_percent: 5, memory: "192MiB" }),
  syscall: agentSection(syscallConfigSchema, { cpu_percent: 20, memory: "256MiB" }),
  snmp: agentSection(snmpConfigSchema, { cpu_percent: 50, memory: "256MiB" }),
  scan: agentSection(scanConfigSchema, { cpu_percent: 50, memory: "256MiB" }),
  synthetic: agentSection(syntheticConfigSchema, { cpu_percent: 100, memory: "256MiB" }),
};

const configSchema = z.strictObject({ ...baseSections, ...collectorSections });

export type Config = z.infer<typeof configSchema>;

/** The name of a collector's section, which is also its word behind `amoskys agent`. */
export type CollectorSection = keyof typeof collectorSections;

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
