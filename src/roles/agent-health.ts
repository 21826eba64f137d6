import type { Collector } from "../core/collector.ts";
import { formatBytes } from "../core/quantities.ts";
import type { Drain, Outbox } from "../delivery/index.ts";
import type { HealthReport } from "../observability/index.ts";
import type { Log } from "../wal/index.ts";
import type { AgentIdentity } from "./agent-identity.ts";
import type { ResourceMeter } from "./resource-meter.ts";

/** What an agent's health is read from. */
export interface AgentParts {
  readonly log: Log;
  readonly outbox: Outbox;
  readonly drain: Drain;
  readonly collector: Collector;
  readonly identity: AgentIdentity;
  /** Of the bus, as host:port. */
  readonly address: string;
  readonly resources: ResourceMeter;
}

interface Check {
  readonly ok: boolean;
  readonly message: string;
}

type Checks = Readonly<Record<string, Check>>;

function busCheck({ drain, address }: AgentParts, nowMs: number): Check {
  const { lastError, lastAckMs } = drain;
  if (lastError)
    return { ok: false, message: lastError.hint ? `${lastError.message}; ${lastError.hint}` : lastError.message };
  if (lastAckMs === undefined) return { ok: drain.state === "active", message: `no answer from ${address} yet` };
  return { ok: true, message: `last acknowledgement ${Math.max(0, Math.round((nowMs - lastAckMs) / 1000))} s ago` };
}

function logCheck({ log, outbox }: AgentParts): Check {
  const { liveBytes, budgetBytes, pending, parked } = log.stats();
  const used = `${pending} pending, ${parked} parked, ${formatBytes(liveBytes)} of ${formatBytes(budgetBytes)}`;
  if (outbox.isDiskFull || log.diskRoomBytes() <= 0)
    return { ok: false, message: `no space left on its disk: ${used}` };
  return { ok: liveBytes < budgetBytes, message: used };
}

function checksOf(parts: AgentParts, nowMs: number): Checks {
  const { collector, identity, resources } = parts;
  const collected = collector.health();
  return {
    eventbus_connectivity: busCheck(parts, nowMs),
    wal_database: logCheck(parts),
    data_collection: { ok: collected.status === "ok", message: collected.message },
    certificate_validity: identity.check(),
    resource_usage: resources.check(),
  };
}

/** An agent's health page: its checks by name, its state, and one line that says what it does or waits for. */
export function agentHealth(parts: AgentParts, nowMs: number): HealthReport {
  const { log, outbox, drain, collector } = parts;
  const { state } = drain;
  const checks = checksOf(parts, nowMs);
  const failing = Object.values(checks).filter(({ ok }) => !ok);
  const isBroken = collector.health().status === "failed";
  const isReady = state === "active" || state === "backpressure";
  const { pendingBytes } = log.stats();
  const { stored, lost } = outbox.figures();
  return {
    ready: isReady && !isBroken,
    status: isBroken ? "unhealthy" : failing.length > 0 || !isReady ? "degraded" : "healthy",
    state,
    message: failing[0]?.message ?? collector.health().message,
    eventsTotal: stored,
    backlogBytes: pendingBytes,
    lastAckMs: drain.lastAckMs,
    checks,
    figures: { wal_bytes: pendingBytes, events: stored, lost, ...collector.health().figures },
  };
}
