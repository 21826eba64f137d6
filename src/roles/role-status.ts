import { systemClock } from "../core/clock.ts";
import { type RunFile, readRunFile } from "./run-file.ts";

/** How a role of this home is doing, as `status` and the table of `up` show it. */
export interface RoleStatus {
  readonly role: string;
  readonly state: "starting" | "healthy" | "degraded" | "unhealthy" | "restarting" | "stopping" | "failed" | "stopped";
  /** What the role says of itself: initializing, connecting, active, backpressure, retrying, shutdown, error. */
  readonly activity?: string | undefined;
  readonly pid?: number | undefined;
  readonly uptime_ms?: number | undefined;
  readonly events_total?: number | undefined;
  readonly events_per_second?: number | undefined;
  readonly backlog_bytes?: number | undefined;
  /** Of one processor, over the last minute. */
  readonly cpu_percent?: number | undefined;
  readonly memory_bytes?: number | undefined;
  /** What an agent may use of its host. */
  readonly budget?: { readonly cpu_percent: number; readonly memory_bytes: number } | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly last_ack_ms?: number | undefined;
  /** One line: what it does, waits for, or failed of. */
  readonly message: string;
  /** What to do next, where something is to be done. */
  readonly hint?: string | undefined;
  readonly restarts: number;
  readonly port?: number | undefined;
  readonly health_ports?: readonly number[] | undefined;
}

/** The JSON of a role's /health page. */
interface HealthPage {
  status: "healthy" | "degraded" | "unhealthy";
  state: string;
  ready: boolean;
  message: string;
  events_total: number;
  backlog_bytes?: number;
  last_ack_ms?: number;
  resources?: Pick<RoleStatus, "cpu_percent" | "memory_bytes" | "budget">;
}

const answerMsMax = 1000;

/** Asks a role for its health page; undefined where it does not answer in time. */
async function fetchHealth(facts: RunFile, host: string): Promise<HealthPage | undefined> {
  const port = facts.health_ports[0];
  if (port === undefined) return undefined;
  try {
    const address = host.includes(":") ? `[${host}]` : host;
    const response = await fetch(`http://${address}:${port}/health`, { signal: AbortSignal.timeout(answerMsMax) });
    return (await response.json()) as HealthPage;
  } catch {
    return undefined;
  }
}

function describe(facts: RunFile, page: HealthPage | undefined, nowMs: number): RoleStatus {
  const base = {
    role: facts.role,
    pid: facts.pid,
    uptime_ms: nowMs - facts.started_ms,
    port: facts.port,
    health_ports: facts.health_ports,
    restarts: 0,
  };
  if (!page) return { ...base, state: "unhealthy", message: "its health page does not answer" };
  return {
    ...base,
    state: page.state === "initializing" ? "starting" : page.status,
    activity: page.state,
    message: page.message,
    events_total: page.events_total,
    backlog_bytes: page.backlog_bytes,
    ...page.resources,
    last_ack_ms: page.last_ack_ms,
  };
}

/** Joins what a role tells in its run file with what its health page says now; undefined where it does not run. */
export async function readRoleStatus(dataDir: string, role: string, host: string): Promise<RoleStatus | undefined> {
  const before = readRunFile(dataDir, role);
  if (!before) return undefined;
  const page = await fetchHealth(before, host);
  // what the page calls ready stands in the file by now
  const facts = readRunFile(dataDir, role);
  return facts && describe(facts, page, systemClock.wallMs());
}
