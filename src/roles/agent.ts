import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { LoadedConfig } from "../config/index.ts";
import type { Collector } from "../core/collector.ts";
import { AmoskysError } from "../core/errors.ts";
import { inTurn } from "../core/lifecycle.ts";
import type { LogLevel } from "../core/observer.ts";
import { atMost } from "../core/pause.ts";
import { createDrain, createOutbox, type Drain, type Outbox } from "../delivery/index.ts";
import { type BusClient, createBusClient } from "../transport/index.ts";
import { type Log, openLog } from "../wal/index.ts";
import { resolveBus } from "./agent-bus-place.ts";
import { type AgentParts, agentHealth } from "./agent-health.ts";
import { AgentIdentity } from "./agent-identity.ts";
import { refreshAgentGauges } from "./agent-metrics.ts";
import { busAddress } from "./bus-address.ts";
import { createBusProbe } from "./bus-probe.ts";
import { type CollectorEntry, type CollectorRun, collectorCommandName, collectorEntry } from "./collector-registry.ts";
import { type Config, type ConfigSource, loadHomeConfig } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";
import { assertLocalPlace, reportRecovery } from "./log-place.ts";
import { roundShortfall } from "./round-shortfall.ts";
import { readRunFile } from "./run-file.ts";
import { type RoleContext, type RunningRole, runRole } from "./run-role.ts";

/** What a source that has ended may take to hand on its last events. */
const flushMsMax = 60_000;

/** How long a single round waits for a bus that does not take it. */
const onceDeliveryMsMax = 10_000;

/** Of the time to stop, what the collector may take; the rest is for delivery. */
const collectorShare = 1 / 4;

export interface RunAgentOptions {
  /** The name of a collector. */
  readonly collector: string;
  readonly source: ConfigSource;
  readonly run: CollectorRun;
  /** From the command line; without it the configuration's. */
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: "pretty" | "json" | undefined;
}

interface AgentPlan {
  readonly entry: CollectorEntry;
  readonly loaded: LoadedConfig<Config>;
  readonly home: string;
  readonly run: CollectorRun;
}

/**
 * Runs one collector as an agent: events are signed, kept in a durable log and brought to the bus, until a signal ends
 * it, or, where a file is read, until the bus has all of it. Throws what ended it.
 */
export async function runAgent(options: RunAgentOptions): Promise<void> {
  const { source, run, logLevel, logFormat } = options;
  const entry = collectorEntry(options.collector);
  const loaded = loadHomeConfig(source);
  const { config, notices } = loaded;
  const { budget } = config[entry.section];
  const dataDir = resolve(source.home, config.storage.data_dir);
  const other = readRunFile(dataDir, entry.name);
  if (other) {
    throw new AmoskysError("log_locked", `The ${entry.name} agent of this home runs already (pid ${other.pid})`, {
      hint: `amoskys stop ${entry.name}`,
    });
  }
  const plan = { entry, loaded, home: source.home, run };
  let agent: RunningAgent | undefined;
  await runRole(
    {
      role: entry.name,
      dataDir,
      environment: source.environment,
      logLevel: logLevel ?? config.agent.log_level,
      logFormat,
      healthHost: config.observability.host,
      healthPorts: [entry.healthPort, ...(entry.furtherPorts?.(config) ?? []).filter((port) => port !== undefined)],
      metricPrefixes: ["agent_", "amoskys_agent_", "amoskys_log_", `amoskys_${entry.name.replaceAll("-", "")}_`],
      notices,
      budget: { section: entry.section, cpuPercent: budget.cpu_percent, memoryBytes: budget.memory },
    },
    async (context) => {
      agent = await startAgent(plan, context);
      return agent;
    },
  );
  if (run.read === undefined || agent?.isDelivered) return;
  throw new AmoskysError("interrupted", "Interrupted before the bus had everything that was read", {
    hint: `what is stored goes with the next amoskys agent ${entry.name}`,
  });
}

async function startAgent(plan: AgentPlan, context: RoleContext): Promise<RunningAgent> {
  const { entry, loaded, home, run } = plan;
  const { config } = loaded;
  const { observer, clock, spawnWorker } = context;
  const identity = new AgentIdentity({
    agent: config.agent.name,
    places: identityPlaces(loaded, home),
    allowGroupRead: config.crypto.allow_group_read,
    clock,
    observer,
  });
  const address = busAddress(loaded, home);
  const log = openAgentLog(
    resolve(home, entry.logPath?.(config) ?? join(config.storage.wal_dir, `${entry.name}agent.db`)),
    config,
    context,
  );
  const client = createBusClient({ address, tls: identity.tls, observer, clock });
  let drain: Drain | undefined;
  let collector: Collector | undefined;
  try {
    const { outbox, ...delivery } = createDelivery(log, client, identity, config, context);
    drain = delivery.drain;
    const bus = await resolveBus(address);
    collector = await entry.create(
      config,
      run,
      {
        emit: (event) => outbox.emit(event),
        lose: (count, startNs, endNs) => outbox.lose({ reason: "collector", count, startNs, endNs }),
        room: () => outbox.room(),
        observer,
        clock,
        spawnWorker,
        home,
        stateFolder: resolve(home, config.storage.data_dir, "state"),
        ...(bus ? { bus } : {}),
      },
      { busProbe: () => createBusProbe(client, address) },
    );
    identity.watch((tls) => client.setTls(tls));
    await drain.start();
    await collector.start();
    const { resources } = context;
    const parts = { log, client, outbox, drain, collector, identity, address, resources };
    context.metrics.beforeText(() => refreshAgentGauges(observer, parts));
    return new RunningAgent(parts, context, { name: entry.name, once: run.once });
  } catch (caught) {
    await inTurn(
      () => identity.close(),
      () => collector?.stop(0),
      () => drain?.stop(0),
      () => client.close(),
      () => log.close(),
    ).catch((more) => observer.log("error", `what had begun could not be ended: ${AmoskysError.from(more).message}`));
    throw caught;
  }
}

function createDelivery(
  log: Log,
  client: BusClient,
  { signer }: AgentIdentity,
  { agent, storage }: Config,
  { observer, clock }: RoleContext,
): { outbox: Outbox; drain: Drain } {
  const outbox = createOutbox({
    log,
    signer,
    observer,
    clock,
    budgetBytes: storage.max_wal_bytes,
    eventBytesMax: agent.max_env_bytes,
  });
  const drain = createDrain({
    log,
    outbox,
    client,
    observer,
    clock,
    retryMax: agent.retry_max,
    sendRate: agent.send_rate,
    backoff: { baseMs: agent.retry_timeout * 1000 },
  });
  return { outbox, drain };
}

function openAgentLog(path: string, config: Config, { observer, clock }: RoleContext): Log {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const log = openLog({
    path,
    role: "agent",
    budgetBytes: config.storage.max_wal_bytes,
    observer,
    clock,
    assertLocal: assertLocalPlace,
  });
  reportRecovery(log.recovery, observer);
  return log;
}

interface Running extends AgentParts {
  readonly client: BusClient;
}

class RunningAgent implements RunningRole {
  readonly ended: Promise<void>;
  readonly #parts: Running;
  readonly #context: RoleContext;
  readonly #run: { readonly name: string; readonly once: boolean };
  #stopped: Promise<void> | undefined;
  #isDelivered = false;

  constructor(parts: Running, context: RoleContext, run: { readonly name: string; readonly once: boolean }) {
    this.#parts = parts;
    this.#context = context;
    this.#run = run;
    this.ended = this.#untilEnd();
    this.ended.catch(() => {});
  }

  /** The source has ended by itself, and the bus has all of it. */
  get isDelivered(): boolean {
    return this.#isDelivered;
  }

  health() {
    return agentHealth(this.#parts, this.#context.clock.wallMs());
  }

  /** The collector first, then what it emitted is stored, then delivered as far as the bus answers. Safe twice. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { log, client, outbox, drain, collector, identity } = this.#parts;
    const { clock } = this.#context;
    const endMs = clock.monotonicMs() + deadlineMs;
    const leftMs = () => Math.max(0, endMs - clock.monotonicMs());
    await inTurn(
      () => identity.close(),
      () => collector.stop(deadlineMs * collectorShare),
      () => outbox.stop(leftMs() / 2),
      () => drain.stop(leftMs()),
      () => client.close(),
      () => log.close(),
    );
  }

  /** Resolves when the source has ended and the bus has all of it; rejects with what made going on impossible. */
  async #untilEnd(): Promise<void> {
    const { outbox, drain } = this.#parts;
    const failure = Promise.race([outbox.failed, drain.failed]).then(logFailed);
    const end = await Promise.race([failure, this.#untilDelivered()]);
    if (end) throw end;
  }

  /** A capture that ends in the middle of a packet counts for what was readable: that is delivered first. */
  async #untilDelivered(): Promise<AmoskysError | undefined> {
    const { collector, drain } = this.#parts;
    const cut = await collector.done.then(
      () => undefined,
      (caught) => AmoskysError.from(caught),
    );
    if (cut && cut.code !== "capture_truncated") return cut;
    const shortfall = this.#run.once ? roundShortfall(this.#run.name, collector) : undefined;
    await collector.stop(flushMsMax);
    const settled = drain.settledAll().catch((caught) => {
      throw logFailed(AmoskysError.from(caught));
    });
    if (this.#run.once) await atMost(onceDeliveryMsMax, settled);
    else await settled;
    const undelivered = this.#run.once ? this.#undelivered() : undefined;
    this.#isDelivered = undelivered === undefined;
    return cut ?? undelivered ?? shortfall;
  }

  /** What of a single round the bus has not taken: it is kept, and the command ends all the same. */
  #undelivered(): AmoskysError | undefined {
    const { log, drain } = this.#parts;
    const { pending } = log.stats();
    if (pending === 0) return undefined;
    const why = drain.lastError ? `: ${drain.lastError.message}` : "";
    return new AmoskysError("unreachable", `The bus has not taken ${pending} events yet; they are kept${why}`, {
      hint: `they go with the next amoskys agent ${collectorCommandName(this.#run.name)}`,
    });
  }
}

/**
 * Ends with another status than the log's own error: a supervisor starts the role again, and opening the log judges the
 * file.
 */
function logFailed(error: AmoskysError): AmoskysError {
  return new AmoskysError("internal", `The log failed: ${error.message}`, {
    cause: error,
    hint: error.hint ?? "check the disk and the kernel log",
  });
}
