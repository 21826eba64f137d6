/**
 * The bus: judges what agents publish, commits it in order of sequence, answers, and hands it to subscribers. It may
 * not know sockets, TLS, files or SQL: peers and bytes come from the transport, the log is handed in.
 * Durable: nothing of its own; an event is acknowledged only after the log's append returned.
 */
export { type Bus, type BusOptions, createBus } from "./bus.ts";
export type { BusCheck, BusHealth, CheckName } from "./bus-health.ts";
export type { BusLimits } from "./limits.ts";
export type { OverloadMode } from "./overload-gate.ts";
