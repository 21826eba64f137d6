import type { Observer } from "../core/observer.ts";
import { agentStates, auditFigures, type Drain, type Outbox } from "../delivery/index.ts";
import type { Log } from "../wal/index.ts";
import type { ResourceMeter } from "./resource-meter.ts";

interface GaugeParts {
  readonly log: Log;
  readonly outbox: Outbox;
  readonly drain: Drain;
  readonly resources: ResourceMeter;
}

/** Sets the gauges of an agent: backlog, audit, state. Runs before each exposition. */
export function refreshAgentGauges(observer: Observer, parts: GaugeParts): void {
  const { log, outbox, drain, resources } = parts;
  const stats = log.stats();
  const { produced, settled, parked, lost, pending, difference } = auditFigures(log);
  const { cpuPercent, budget } = resources.use();
  observer.gauge("amoskys_agent_cpu_ratio", cpuPercent / 100);
  observer.gauge("amoskys_agent_budget_cpu_ratio", (budget?.cpuPercent ?? 0) / 100);
  observer.gauge("amoskys_agent_budget_memory_bytes", budget?.memoryBytes ?? 0);
  observer.gauge("agent_wal_backlog_bytes", stats.pendingBytes);
  observer.gauge("amoskys_agent_log_bytes", stats.liveBytes);
  observer.gauge("amoskys_agent_log_budget_bytes", stats.budgetBytes);
  observer.gauge("amoskys_agent_queue_events", outbox.figures().queued);
  observer.gauge("amoskys_agent_produced_events", produced);
  for (const [fate, events] of Object.entries({ settled, parked, lost, pending })) {
    observer.gauge("amoskys_agent_audit_events", events, { fate });
  }
  observer.gauge("amoskys_agent_audit_difference_events", difference);
  for (const state of agentStates) observer.gauge("amoskys_agent_state", drain.state === state ? 1 : 0, { state });
  observer.gauge("amoskys_agent_last_ack_timestamp_seconds", (drain.lastAckMs ?? 0) / 1000);
}
