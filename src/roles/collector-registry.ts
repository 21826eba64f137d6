import { join } from "node:path";
import type { BusProbe } from "../collectors/bus/index.ts";
import type { Collector, CollectorContext, CollectorDefinition } from "../core/collector.ts";
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
  busProbe(): BusProbe | Promise<BusProbe>;
}

/** What a collector needs that prints by itself. */
export interface PrintContext extends Pick<CollectorContext, "observer" | "clock" | "spawnWorker"> {
  readonly signal: AbortSignal;
}

/** A collector as an agent runs it. CONTRIBUTING.md says how to add one. */
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
  /**
   * What `config check` finds beyond the schema, one text each with file and place: files that a section names,
   * settings that make no sense together. Reads files, and nothing else.
   */
  check?(config: Config, home: string): Promise<readonly string[]>;
  /** Loads the collector: an agent holds the code of its own one alone. */
  create(config: Config, run: CollectorRun, context: CollectorContext, ports: CollectorPorts): Promise<Collector>;
  /** A way of its own for `--print`, where events are many; without it each event is decoded and printed. */
  print?(config: Config, run: CollectorRun, context: PrintContext): Promise<void>;
}

/** A collector that takes its section and `--once`; its role, its section and its command have one name. */
function polled<Section extends CollectorSection>(
  section: Section,
  healthPort: number,
  load: () => Promise<CollectorDefinition<{ config: Config[Section]; once: boolean }>>,
): CollectorEntry {
  return {
    name: section,
    section,
    healthPort,
    create: async (config, { once }, context) => (await load()).create({ config: config[section], once }, context),
  };
}

const loadFlow = () => import("../collectors/flow/index.ts");

const flow: CollectorEntry = {
  name: "flow",
  section: "flow",
  healthPort: 50_004,
  furtherPorts: ({ agent }) => [agent.metrics_port, agent.health_port],
  logPath: ({ agent, storage }) => agent.wal_path ?? join(storage.wal_dir, "flowagent.db"),
  create: async ({ flow: config }, { read }, context) => {
    const { flowCollector } = await loadFlow();
    return flowCollector.create({ config, ...(read === undefined ? {} : { read }) }, context);
  },
  print: async ({ flow: config }, { read }, { signal, ...context }) => {
    const { printFlows } = await loadFlow();
    await printFlows({ config, ...(read === undefined ? {} : { read }), context, signal });
  },
};

const bus: CollectorEntry = {
  // the role `bus` is the bus itself
  name: "bus-agent",
  section: "bus",
  healthPort: 50_001,
  logPath: ({ storage }) => join(storage.wal_dir, "busagent.db"),
  create: async ({ bus: config }, { once }, context, ports) => {
    const { busCollector } = await import("../collectors/bus/index.ts");
    return busCollector.create({ config, once, probe: await ports.busProbe() }, context);
  },
};

const synthetic: CollectorEntry = {
  name: "synthetic",
  section: "synthetic",
  healthPort: 50_003,
  create: async ({ synthetic: config, storage }, _run, context) => {
    const { syntheticCollector } = await import("../collectors/synthetic/index.ts");
    const truthPath = join(storage.data_dir, "synthetic-truth.jsonl");
    return syntheticCollector.create({ config, truthPath }, context);
  },
};

const entries: readonly CollectorEntry[] = [
  flow,
  bus,
  polled("proc", 50_002, async () => (await import("../collectors/proc/index.ts")).procCollector),
  polled("host", 50_007, async () => (await import("../collectors/host/index.ts")).hostCollector),
  polled("syscall", 50_008, async () => (await import("../collectors/syscall/index.ts")).syscallCollector),
  {
    ...polled("snmp", 50_005, async () => (await import("../collectors/snmp/index.ts")).snmpCollector),
    check: async ({ snmp: config }, home) => (await import("../collectors/snmp/index.ts")).snmpProblems(config, home),
  },
  polled("scan", 50_006, async () => (await import("../collectors/scan/index.ts")).scanCollector),
  synthetic,
];

/** The collectors that there are; each is a role of this name. */
export const collectorNames: readonly string[] = entries.map(({ name }) => name);

/** What the collectors find wrong with their sections, by their checks. */
export async function collectorProblems(config: Config, home: string): Promise<string[]> {
  const found = await Promise.all(
    entries.map(async ({ name, check }) =>
      ((await check?.(config, home)) ?? []).map((problem) =>
        problem.startsWith(name) ? problem : `${name}: ${problem}`,
      ),
    ),
  );
  return found.flat();
}

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
