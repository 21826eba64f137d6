import { join } from "node:path";
import { type BusProbe, busCollector } from "../collectors/bus/index.ts";
import { flowCollector, printFlows } from "../collectors/flow/index.ts";
import { hostCollector } from "../collectors/host/index.ts";
import { procCollector } from "../collectors/proc/index.ts";
import { scanCollector } from "../collectors/scan/index.ts";
import { snmpCollector } from "../collectors/snmp/index.ts";
import { syntheticCollector } from "../collectors/synthetic/index.ts";
import { syscallCollector } from "../collectors/syscall/index.ts";
import type { Collector, CollectorContext } from "../core/collector.ts";
import type { CollectorSection, Config } from "./config.ts";

/** What the command line says to one run of a collector, beside settings. */
export interface CollectorRun {
  /** A file to read in place of a live source; `-` is standard input. */
  readonly read?: string | undefined;
  /** One round, then the end. */
  readonly once: boolean;
}

/** What of an agent's network a collector may use, through a port that its own room declares. */
export interface CollectorPorts {
  busProbe(): BusProbe;
}

/** What a collector needs that prints by itself. */
export interface PrintContext extends Pick<CollectorContext, "observer" | "clock" | "spawnWorker"> {
  readonly signal: AbortSignal;
}

/** A collector as an agent runs it. To add one: a folder, an entry here, its section in config.ts, a command. */
export interface CollectorEntry {
  /** The role. */
  readonly name: string;
  /** Its section of the configuration, and `amoskys agent SECTION`. */
  readonly section: CollectorSection;
  /** The port of its pages; another is taken where it is in use. */
  readonly healthPort: number;
  /** Ports of further pages, where the configuration sets them. */
  furtherPorts?(config: Config): readonly (number | undefined)[];
  /** Where its log lies, relative to the home; without it NAMEagent.db in `storage.wal_dir`. */
  logPath?(config: Config): string;
  create(config: Config, run: CollectorRun, context: CollectorContext, ports: CollectorPorts): Collector;
  /** A way of its own for `--print`, where events are many; without it each event is decoded and printed. */
  print?(config: Config, run: CollectorRun, context: PrintContext): Promise<void>;
}

const flow: CollectorEntry = {
  name: flowCollector.name,
  section: "flow",
  healthPort: 50_004,
  furtherPorts: ({ agent }) => [agent.metrics_port, agent.health_port],
  logPath: ({ agent, storage }) => agent.wal_path ?? join(storage.wal_dir, "flowagent.db"),
  create: ({ flow: config }, { read }, context) =>
    flowCollector.create({ config, ...(read === undefined ? {} : { read }) }, context),
  print: ({ flow: config }, { read }, { signal, ...context }) =>
    printFlows({ config, ...(read === undefined ? {} : { read }), context, signal }),
};

const proc: CollectorEntry = {
  name: procCollector.name,
  section: "proc",
  healthPort: 50_002,
  create: ({ proc: config }, { once }, context) => procCollector.create({ config, once }, context),
};

const host: CollectorEntry = {
  name: hostCollector.name,
  section: "host",
  healthPort: 50_007,
  create: ({ host: config }, { once }, context) => hostCollector.create({ config, once }, context),
};

const syscall: CollectorEntry = {
  name: syscallCollector.name,
  section: "syscall",
  healthPort: 50_008,
  create: ({ syscall: config }, { once }, context) => syscallCollector.create({ config, once }, context),
};

const snmp: CollectorEntry = {
  name: snmpCollector.name,
  section: "snmp",
  healthPort: 50_005,
  create: ({ snmp: config }, { once }, context) => snmpCollector.create({ config, once }, context),
};

const scan: CollectorEntry = {
  name: scanCollector.name,
  section: "scan",
  healthPort: 50_006,
  create: ({ scan: config }, { once }, context) => scanCollector.create({ config, once }, context),
};

const synthetic: CollectorEntry = {
  name: syntheticCollector.name,
  section: "synthetic",
  healthPort: 50_003,
  create: ({ synthetic: config, storage }, _run, context) =>
    syntheticCollector.create({ config, truthPath: join(storage.data_dir, "synthetic-truth.jsonl") }, context),
};

const bus: CollectorEntry = {
  // the role `bus` is the bus itself
  name: "bus-agent",
  section: "bus",
  healthPort: 50_001,
  logPath: ({ storage }) => join(storage.wal_dir, "busagent.db"),
  create: ({ bus: config }, { once }, context, ports) =>
    busCollector.create({ config, once, probe: ports.busProbe() }, context),
};

const entries: readonly CollectorEntry[] = [flow, bus, proc, host, syscall, snmp, scan, synthetic];

/** The collectors that there are; each is a role of this name. */
export const collectorNames: readonly string[] = entries.map(({ name }) => name);

/** The word behind `amoskys agent` that runs a collector. */
export function collectorCommandName(name: string): string {
  return collectorEntry(name).section;
}

/** The collector of a name that is known. */
export function collectorEntry(name: string): CollectorEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`"${name}" is no collector`);
  return entry;
}
