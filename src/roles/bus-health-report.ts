import type { BusHealth } from "../bus/index.ts";
import type { HealthReport } from "../observability/index.ts";

const statuses = { HEALTHY: "healthy", DEGRADED: "degraded", UNHEALTHY: "unhealthy" } as const;

/** The bus's health as its page shows it. */
export function busHealthReport(health: BusHealth, storedTotal: number): HealthReport {
  const { status, ready, state, message, lastCommitMs } = health;
  const checks = Object.entries(health.checks).map(([name, check]) => [
    name,
    { ok: check.status === "HEALTHY", message: check.message },
  ]);
  return {
    ready,
    status: statuses[status],
    state,
    message,
    eventsTotal: storedTotal,
    lastAckMs: lastCommitMs === 0 ? undefined : lastCommitMs,
    checks: Object.fromEntries(checks),
    figures: { stored: storedTotal, inflight: health.inflight },
  };
}
