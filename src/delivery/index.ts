/**
 * From a collector's event to the bus's acknowledgement: the outbox seals and appends, the drain publishes and settles.
 * It may not know collectors, the bus's room or where keys and files lie: log, signer and client are handed in.
 * Durable: what an append returned for; an event is settled only after the bus said that it holds it.
 */
export { type AgentState, agentStates } from "./agent-state.ts";
export { type AuditFigures, auditFigures } from "./audit.ts";
export { createDrain, type Drain } from "./drain.ts";
export type { DrainOptions } from "./drain-options.ts";
export { createOutbox, type Outbox, type OutboxFigures, type OutboxOptions } from "./outbox.ts";
export type { Timer } from "./timer.ts";
