import { resolve } from "node:path";
import { type Clock, systemClock } from "../core/clock.ts";
import { AmoskysError } from "../core/errors.ts";
import type { LogLevel, Observer } from "../core/observer.ts";
import type { SpawnWorker } from "../core/worker.ts";
import { dieWithParent } from "../native/index.ts";
import {
  createHealthServer,
  createLogger,
  createMetrics,
  createObserver,
  type HealthReport,
  type Metrics,
} from "../observability/index.ts";
import { type ResourceBudget, ResourceMeter, type ResourceUse, readProcessUse } from "./resource-meter.ts";
import { removeRunFile, startTicks, writeRunFile } from "./run-file.ts";
import { spawnWorker } from "./worker-registry.ts";

const drainMsMax = 10_000;

/** Set by `up` for its children: the pid of `up`, which a child does not outlive. */
export const supervisorVariable = "AMOSKYS_SUPERVISOR";

/** How a role is to run; the same for all roles. */
export interface RunRoleOptions {
  readonly role: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logLevel: LogLevel;
  readonly logFormat: "pretty" | "json" | undefined;
  readonly healthHost: string;
  /** Ports of the health and metrics pages; a taken one is replaced by a free one. */
  readonly healthPorts: readonly number[];
  /** Beginnings of the names of the metrics that this role has. */
  readonly metricPrefixes: readonly string[];
  readonly notices: readonly string[];
  /** What the role may use of its host, and the configuration's section that says so. */
  readonly budget?: ResourceBudget & { readonly section: string };
}

/** What a role is given to work with. */
export interface RoleContext {
  readonly observer: Observer;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly spawnWorker: SpawnWorker;
  readonly resources: ResourceMeter;
  /** Publishes the role's own port in its run file. */
  announcePort(port: number): void;
}

/** A role that has started. */
export interface RunningRole {
  /** Resolves when the role has nothing more to do; rejects when it cannot go on. */
  readonly ended: Promise<void>;
  /** Drains and releases. Gives up draining after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
  health(): HealthReport;
}

function signals(): { first: Promise<string>; second: Promise<never> } {
  let heard = 0;
  let onFirst: (name: string) => void;
  let onSecond: (error: Error) => void;
  const first = new Promise<string>((done) => {
    onFirst = done;
  });
  const second = new Promise<never>((_, fail) => {
    onSecond = fail;
  });
  second.catch(() => {});
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      heard += 1;
      if (heard === 1) onFirst(name);
      else onSecond(new AmoskysError("interrupted", "Interrupted before everything was drained"));
    });
  }
  return { first, second };
}

function faults(): Promise<never> {
  const fault = new Promise<never>((_, fail) => {
    process.on("uncaughtException", (error) => fail(AmoskysError.from(error)));
    process.on("unhandledRejection", (reason) => fail(AmoskysError.from(reason)));
  });
  fault.catch(() => {});
  return fault;
}

/** Logs why a page could not be made, once for each reason: pages are asked for every second. */
function createPageFault(observer: Observer): (caught: unknown) => void {
  let last: string | undefined;
  return (caught) => {
    const { message } = AmoskysError.from(caught);
    if (message !== last) observer.log("error", `a page could not be made: ${message}`);
    last = message;
  };
}

const meterEveryMs = 5000;

/** Measures from now on what the role uses, and logs when it goes over its budget and when it keeps it again. */
function startMeter(budget: RunRoleOptions["budget"], observer: Observer): { meter: ResourceMeter; stop(): void } {
  const meter = new ResourceMeter({ clock: systemClock, budget, section: budget?.section, read: readProcessUse });
  let wasOk = true;
  const timer = setInterval(() => {
    meter.sample();
    const { ok, message } = meter.check();
    if (ok !== wasOk) observer.log(ok ? "info" : "warn", message);
    wasOk = ok;
  }, meterEveryMs);
  return { meter, stop: () => clearInterval(timer) };
}

function resourcesJson({ cpuPercent, memoryBytes, budget }: ResourceUse): Record<string, unknown> {
  return {
    cpu_percent: Math.round(cpuPercent * 10) / 10,
    memory_bytes: memoryBytes,
    budget: budget && { cpu_percent: budget.cpuPercent, memory_bytes: budget.memoryBytes },
  };
}

const startingReport: HealthReport = {
  ready: false,
  status: "degraded",
  state: "initializing",
  message: "starting",
  eventsTotal: 0,
  checks: {},
  figures: {},
};

/**
 * Runs a role until it ends by itself or a signal asks for it: the first signal drains, the second interrupts. Owns
 * what all roles share: log, metrics, health pages, the run file, and not outliving the `up` that started it.
 */
export async function runRole(
  options: RunRoleOptions,
  start: (context: RoleContext) => Promise<RunningRole>,
): Promise<void> {
  const { role, dataDir, environment } = options;
  const supervisor = environment[supervisorVariable];
  if (supervisor) dieWithParent(Number(supervisor));
  const signal = signals();
  const fault = faults();
  const logger = createLogger({
    role,
    level: options.logLevel,
    format: options.logFormat ?? (supervisor || !process.stderr.isTTY ? "json" : "pretty"),
    file: supervisor ? resolve(dataDir, "logs", `${role}.log`) : undefined,
  });
  for (const notice of options.notices) logger.log("warn", notice);
  const startedMs = systemClock.wallMs();
  const metrics = createMetrics(options.metricPrefixes, startedMs);
  const observer = createObserver(metrics, logger);
  const { meter, stop: stopMeter } = startMeter(options.budget, observer);
  let running: RunningRole | undefined;
  const health = await createHealthServer({
    host: options.healthHost,
    ports: options.healthPorts,
    report: () => ({ ...(running?.health() ?? startingReport), resources: resourcesJson(meter.use()) }),
    metricsText: () => metrics.text(),
    onError: createPageFault(observer),
  });
  const facts = {
    role,
    pid: process.pid,
    start_ticks: startTicks(process.pid),
    started_ms: startedMs,
    health_ports: health.ports,
  };
  const interrupted = signal.first.then((name) => {
    throw new AmoskysError("interrupted", `Interrupted by ${name} before ${role} had started`);
  });
  interrupted.catch(() => {});
  try {
    const context: RoleContext = {
      observer,
      metrics,
      clock: systemClock,
      spawnWorker,
      resources: meter,
      announcePort: (port) => writeRunFile(dataDir, { ...facts, port }),
    };
    writeRunFile(dataDir, facts);
    running = await Promise.race([start(context), fault, interrupted]);
    logger.log("info", "started", { pid: process.pid, health_ports: health.ports });
    const asked = await Promise.race([running.ended.then(() => undefined), signal.first, fault]);
    if (asked) logger.log("info", "draining", { signal: asked });
    await Promise.race([running.stop(drainMsMax), signal.second, fault]);
    logger.log("info", "stopped");
  } catch (caught) {
    const error = AmoskysError.from(caught);
    // without a supervisor the log is stderr, where main.ts is about to say the same
    if (supervisor) logger.log("error", error.message, { code: error.code, hint: error.hint });
    if (error.code !== "interrupted") await running?.stop(drainMsMax).catch(() => {});
    throw error;
  } finally {
    stopMeter();
    removeRunFile(dataDir, role, process.pid);
    await health.close();
    logger.close();
  }
}
