import type { Observer } from "../core/observer.ts";
import { agentStates, auditFigures, type Drain, type Outbox } from "../delivery/index.ts";
import type { Log } from "../wal/index.ts";

/** Sets the gauges of an agent: backlog, audit, state. Runs before each exposition. */
export function refreshAgentGauges(observer: Observer, parts: { log: Log; outbox: Outbox; drain: Drain }): void {
  const { log, outbox, drain } = parts;
  const stats = log.stats();
  const { produced, settled, parked, lost, pending, difference } = auditFigures(log);
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
