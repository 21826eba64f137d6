import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatBytes, formatDurationMs } from "../core/quantities.ts";
import type { HealthResponseSchema } from "../gen/universal_telemetry_pb.ts";

/** One look at one part of the bus. */
export interface BusCheck {
  readonly status: "HEALTHY" | "WARNING" | "CRITICAL";
  /** One line for a person, also when all is well. */
  readonly message: string;
  readonly metrics: Readonly<Record<string, string>>;
}

/** The parts that are looked at; others know them by these names. */
const checkNames = [
  "grpc_server",
  "message_processing",
  "certificate_validity",
  "queue_depth",
  "memory_usage",
  "disk_space",
] as const;
export type CheckName = (typeof checkNames)[number];

/** How the bus is. */
export interface BusHealth {
  readonly status: "HEALTHY" | "DEGRADED" | "UNHEALTHY";
  /** Takes events and can commit them. */
  readonly ready: boolean;
  /** What it does: active, waits for room on the disk, shuts down, or stopped for good. */
  readonly state: "active" | "disk_low" | "shutdown" | "error";
  readonly message: string;
  readonly inflight: number;
  /** When something was committed last, milliseconds since the Unix epoch; 0: not since the log was opened. */
  readonly lastCommitMs: number;
  readonly checks: Readonly<Record<CheckName, BusCheck>>;
}

/** What the checks are made from. */
export interface HealthFacts {
  readonly failure: string | undefined;
  readonly draining: boolean;
  readonly inflight: number;
  readonly maxInflight: number;
  readonly hardMax: number;
  readonly storedTotal: number;
  readonly lastCommitMs: number;
  /** How long the append that is running has been running; 0 where none is. */
  readonly appendingMs: number;
  /** Why the last commit failed; undefined where it did not. */
  readonly commitFailure: string | undefined;
  readonly connections: number;
  readonly freeBytes: number | undefined;
  readonly diskLowBytes: number;
  readonly diskRefused: boolean;
  readonly rssBytes: number;
  readonly rssBytesMax: number;
  /** When the bus's own certificate ends, milliseconds since the Unix epoch. */
  readonly certificateEndMs: number | undefined;
  readonly nowMs: number;
}

const dayMs = 86_400_000;
const certificateWarnMs = 30 * dayMs;

/** An append that takes this long is a disk that does not answer. */
const stalledMs = 10_000;

function check(status: BusCheck["status"], message: string, metrics: Record<string, string | number> = {}): BusCheck {
  const texts = Object.entries(metrics).map(([name, value]) => [name, String(value)]);
  return { status, message, metrics: Object.fromEntries(texts) };
}

function checkProcessing(facts: HealthFacts): BusCheck {
  const { failure, storedTotal, lastCommitMs, appendingMs, commitFailure } = facts;
  const metrics = { stored_total: storedTotal, last_commit_ms: lastCommitMs };
  if (failure !== undefined) return check("CRITICAL", `the log failed: ${failure}`, metrics);
  if (appendingMs >= stalledMs) {
    return check("CRITICAL", `a commit has taken ${formatDurationMs(appendingMs)} so far`, metrics);
  }
  if (commitFailure !== undefined) return check("WARNING", `the last commit failed: ${commitFailure}`, metrics);
  return check("HEALTHY", `${storedTotal} events stored since the start`, metrics);
}

function checkCertificate({ certificateEndMs, nowMs }: HealthFacts): BusCheck {
  if (certificateEndMs === undefined) return check("WARNING", "the end of the server certificate is not known");
  // no milliseconds: people read it
  const end = `${new Date(certificateEndMs).toISOString().slice(0, 19)}Z`;
  const metrics = { not_after: end };
  if (nowMs > certificateEndMs) return check("CRITICAL", `the server certificate ended ${end}`, metrics);
  if (certificateEndMs - nowMs < certificateWarnMs) {
    return check("WARNING", `the server certificate ends ${end}: amoskys certs check says how to renew it`, metrics);
  }
  return check("HEALTHY", `the server certificate ends ${end}`, metrics);
}

function checkQueue({ inflight, maxInflight, hardMax }: HealthFacts): BusCheck {
  const metrics = { inflight, max_inflight: maxInflight, hard_max: hardMax };
  if (inflight >= hardMax) return check("CRITICAL", `${inflight} calls in flight: calls are refused`, metrics);
  if (inflight >= maxInflight) return check("WARNING", `${inflight} calls in flight: agents are slowed down`, metrics);
  return check("HEALTHY", `${inflight} calls in flight`, metrics);
}

function checkMemory({ rssBytes, rssBytesMax }: HealthFacts): BusCheck {
  const metrics = { rss_bytes: rssBytes };
  const held = `the process holds ${formatBytes(rssBytes)}`;
  return rssBytes > rssBytesMax
    ? check("WARNING", `${held}, more than ${formatBytes(rssBytesMax)}`, metrics)
    : check("HEALTHY", held, metrics);
}

function checkDisk({ freeBytes, diskLowBytes, diskRefused }: HealthFacts): BusCheck {
  const metrics = { free_bytes: freeBytes ?? "unknown", low_bytes: diskLowBytes };
  if (freeBytes === undefined) {
    return check("WARNING", "the room on the disk of the log is not known: agents are asked to wait", metrics);
  }
  const left = `the disk of the log has ${formatBytes(freeBytes)} left`;
  if (diskRefused) return check("CRITICAL", `${left}: agents are asked to wait`, metrics);
  return check(freeBytes < 2 * diskLowBytes ? "WARNING" : "HEALTHY", left, metrics);
}

function stateOf({ failure, draining, diskRefused }: HealthFacts): BusHealth["state"] {
  if (failure !== undefined) return "error";
  if (draining) return "shutdown";
  return diskRefused ? "disk_low" : "active";
}

/** Looks at every part of the bus. */
export function describeHealth(facts: HealthFacts): BusHealth {
  const { draining, connections } = facts;
  const checks: Record<CheckName, BusCheck> = {
    grpc_server: check(draining ? "WARNING" : "HEALTHY", draining ? "shutting down" : `${connections} connections`, {
      connections,
    }),
    message_processing: checkProcessing(facts),
    certificate_validity: checkCertificate(facts),
    queue_depth: checkQueue(facts),
    memory_usage: checkMemory(facts),
    disk_space: checkDisk(facts),
  };
  const found = Object.values(checks).filter(({ status }) => status !== "HEALTHY");
  const critical = found.find(({ status }) => status === "CRITICAL");
  const status = critical ? "UNHEALTHY" : found.length > 0 ? "DEGRADED" : "HEALTHY";
  const worst = critical ?? found[0];
  return {
    status,
    // a commit that failed counts until one succeeds
    ready: !draining && !facts.diskRefused && checks.message_processing.status === "HEALTHY",
    state: stateOf(facts),
    inflight: facts.inflight,
    lastCommitMs: facts.lastCommitMs,
    message: worst?.message ?? `${facts.storedTotal} events stored, ${connections} connections`,
    checks,
  };
}

/** The health as GetHealth answers it, of the components asked for or of all. */
export function healthResponse(
  { status, checks }: BusHealth,
  components: readonly string[],
  nowNs: bigint,
): MessageInitShape<typeof HealthResponseSchema> {
  const names = checkNames.filter((name) => components.length === 0 || components.includes(name));
  const component = (name: CheckName) => ({
    ...checks[name],
    metrics: { ...checks[name].metrics },
    lastCheckNs: nowNs,
  });
  return {
    overallStatus: status,
    componentHealth: Object.fromEntries(names.map((name) => [name, component(name)])),
    timestampNs: nowNs,
  };
}
