import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Bus, createBus } from "../bus/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import { AmoskysError } from "../core/errors.ts";
import type { LogLevel } from "../core/observer.ts";
import { readFileSystem } from "../native/index.ts";
import { type BusServer, createBusServer } from "../transport/index.ts";
import { createLogWriter, type LogReader, type LogWriter, openLogReader } from "../wal/index.ts";
import { busHealthReport } from "./bus-health-report.ts";
import { BusIdentity } from "./bus-identity.ts";
import { busLogPath } from "./bus-log.ts";
import { type Config, type ConfigSource, loadHomeConfig } from "./config.ts";
import { identityPlaces } from "./identity-places.ts";
import { assertLocalPlace, reportRecovery } from "./log-place.ts";
import { readRunFile } from "./run-file.ts";
import { type RoleContext, type RunningRole, runRole } from "./run-role.ts";

export interface RunBusOptions {
  readonly source: ConfigSource;
  readonly version: string;
  /** From the command line; without it the configuration's. */
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: "pretty" | "json" | undefined;
}

/** Runs the bus of a home until a signal ends it. Throws what kept it from starting, or from going on. */
export async function runBus(options: RunBusOptions): Promise<void> {
  const { source, logLevel, logFormat } = options;
  const loaded = loadHomeConfig(source);
  const { eventbus, storage, observability } = loaded.config;
  const dataDir = resolve(source.home, storage.data_dir);
  const other = readRunFile(dataDir, "bus");
  if (other) {
    throw new AmoskysError("log_locked", `The bus of this home runs already (pid ${other.pid})`, {
      hint: "amoskys bus status",
    });
  }
  await runRole(
    {
      role: "bus",
      dataDir,
      environment: source.environment,
      logLevel: logLevel ?? eventbus.log_level,
      logFormat,
      healthHost: observability.host,
      healthPorts: [
        eventbus.health_port,
        ...(eventbus.metrics_disabled ? [] : [eventbus.metrics_port_1, eventbus.metrics_port_2]),
      ],
      metricPrefixes: ["bus_", "amoskys_bus_", "amoskys_log_"],
      notices: [...loaded.notices, ...legacyNotices(eventbus)],
    },
    (context) => startBus(loaded, options, context),
  );
}

function legacyNotices({ legacy_default }: Config["eventbus"]): string[] {
  if (legacy_default === "none") return [];
  const line = `eventbus.legacy_default is ${legacy_default}: trust entries that do not say otherwise may send`;
  return [`${line} ${legacy_default === "signed" ? "the forms of earlier agents" : "unsigned events"}`];
}

interface BusParts {
  readonly identity: BusIdentity;
  readonly log: LogWriter;
  readonly reader: LogReader;
  readonly bus: Bus;
  readonly server: BusServer;
}

async function startBus(
  loaded: LoadedConfig<Config>,
  { source, version }: RunBusOptions,
  context: RoleContext,
): Promise<RunningRole> {
  const { home } = source;
  const { config } = loaded;
  const { observer, clock } = context;
  assertTls(config);
  const identity = new BusIdentity({
    home,
    places: identityPlaces(loaded, home),
    allowGroupRead: config.crypto.allow_group_read,
    clock,
    observer,
  });
  let opened: { log: LogWriter; reader: LogReader } | undefined;
  try {
    const path = busLogPath(config, home);
    opened = await openBusLog(path, context);
    const parts = joinParts({ config, version, path, identity, ...opened }, context);
    await parts.server.start();
    context.announcePort(parts.server.port);
    observer.log("info", "listening", { host: config.eventbus.host, port: parts.server.port });
    return new RunningBus(parts, context);
  } catch (caught) {
    identity.close();
    opened?.reader.close();
    await opened?.log.close();
    throw caught;
  }
}

function assertTls({ eventbus }: Config): void {
  if (eventbus.tls_enabled) return;
  throw new AmoskysError("config_invalid", "eventbus.tls_enabled is false: without TLS nobody's certificate is seen", {
    hint: "set eventbus.tls_enabled to true; amoskys certs init makes certificates",
  });
}

async function openBusLog(path: string, { observer, spawnWorker }: RoleContext) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const log = await createLogWriter(
    { path, role: "bus", budgetBytes: Number.MAX_SAFE_INTEGER, observer, assertLocal: assertLocalPlace },
    spawnWorker,
  );
  reportRecovery(log.recovery, observer);
  return { log, reader: openLogReader(path) };
}

interface BusPlan {
  readonly config: Config;
  readonly version: string;
  /** Of the log. */
  readonly path: string;
  readonly identity: BusIdentity;
  readonly log: LogWriter;
  readonly reader: LogReader;
}

/** The bus behind the server: each needs something of the other. */
function joinParts(plan: BusPlan, { observer, clock }: RoleContext): BusParts {
  const { identity, log, reader, version, path } = plan;
  const { eventbus, storage } = plan.config;
  let connections = () => 0;
  const bus = createBus({
    log,
    reader,
    trust: () => identity.trust,
    legacyDefault: eventbus.legacy_default,
    limits: {
      maxInflight: eventbus.max_inflight,
      hardMax: eventbus.hard_max,
      diskLowBytes: storage.bus_free_bytes_min,
    },
    overload: eventbus.overload_mode,
    observer,
    clock,
    version,
    freeBytes: () => readFileSystem(dirname(path)).freeBytes,
    connections: () => connections(),
    certificateEndMs: () => identity.certificateEndMs(),
  });
  const server = createBusServer({
    host: eventbus.host,
    port: eventbus.port,
    tls: identity.tls,
    events: bus.events,
    services: bus.services,
    observer,
    clock,
  });
  connections = () => server.connections();
  identity.listen({
    onTls: (tls) => server.setTls(tls),
    onTrust: () => bus.trustChanged(),
    onRemoved: (name) => server.disconnect(name),
  });
  return { identity, log, reader, bus, server };
}

class RunningBus implements RunningRole {
  readonly ended: Promise<void>;
  readonly #parts: BusParts;
  #stopped: Promise<void> | undefined;

  constructor(parts: BusParts, { metrics }: RoleContext) {
    this.#parts = parts;
    this.ended = parts.bus.failed.then((error) => {
      // ends with another status than log_io: a supervisor starts it again, and opening the log judges the file
      throw new AmoskysError("internal", `The log failed, nothing is acknowledged any more: ${error.message}`, {
        cause: error,
        hint: error.hint ?? "check the disk and the kernel log",
      });
    });
    this.ended.catch(() => {});
    metrics.beforeText(() => parts.bus.refreshGauges());
  }

  health() {
    return busHealthReport(this.#parts.bus.health(), this.#parts.bus.storedTotal);
  }

  /** New events are refused, those in flight answered; then the door and the log are closed. Safe twice. */
  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { identity, bus, server, reader, log } = this.#parts;
    identity.close();
    try {
      await bus.drain(deadlineMs / 2);
      await server.stop(deadlineMs / 2);
    } finally {
      reader.close();
      await log.close();
    }
  }
}
