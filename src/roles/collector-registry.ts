import { join } from "node:path";
import { flowCollector } from "../collectors/flow/index.ts";
import type { Collector, CollectorContext } from "../core/collector.ts";
import type { Config } from "./config.ts";

/** What the command line says to one run of a collector, beside settings. */
export interface CollectorRun {
  /** A file to read in place of a live source; `-` is standard input. */
  readonly read?: string | undefined;
}

/** A collector as an agent runs it. To add one: a folder, an entry here, its section in config.ts, a command. */
export interface CollectorEntry {
  readonly name: string;
  /** The port of its pages; another is taken where it is in use. */
  readonly healthPort: number;
  /** Ports of further pages, where the configuration sets them. */
  furtherPorts(config: Config): readonly (number | undefined)[];
  /** Where its log lies, relative to the home. */
  logPath(config: Config): string;
  /** Beginnings of the names of its metrics. */
  readonly metricPrefixes: readonly string[];
  create(config: Config, run: CollectorRun, context: CollectorContext): Collector;
}

const flow: CollectorEntry = {
  name: flowCollector.name,
  healthPort: 50_004,
  furtherPorts: ({ agent }) => [agent.metrics_port, agent.health_port],
  logPath: ({ agent, storage }) => agent.wal_path ?? join(storage.wal_dir, "flowagent.db"),
  metricPrefixes: ["amoskys_flow_"],
  create: (config, { read }, context) =>
    flowCollector.create({ config: config.flow, ...(read === undefined ? {} : { read }) }, context),
};

const entries: readonly CollectorEntry[] = [flow];

/** The collectors that there are; each is a role of this name. */
export const collectorNames: readonly string[] = entries.map(({ name }) => name);

/** The collector of a name that is known. */
export function collectorEntry(name: string): CollectorEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`"${name}" is no collector`);
  return entry;
}
