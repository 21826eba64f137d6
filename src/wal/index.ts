/**
 * The durable log of agents and of the bus: one SQLite file, bytes with keys and digests, appended in groups.
 * May not know: what is in the bytes (envelopes, signatures), the network, the configuration.
 * Durable: everything that a changing call returned from; the sync is part of the call.
 */
export type { AppendBatch, AppendResult, RangeChange, RangeReason, RangeRow, SourceHead } from "./append-batch.ts";
export { checkStructure, type LogFault, type RecordFault, type StructureFact } from "./check-structure.ts";
export type { OldestGroups } from "./group-table.ts";
export { Log } from "./log.ts";
export { type LogRecovery, type LogStats, type OpenLogOptions, recordOverheadBytes } from "./log-options.ts";
export type { LogReader } from "./log-reader.ts";
export { createLogWriter, type LogWriter } from "./log-writer.ts";
export { openLog } from "./open-log.ts";
export { openLogReader } from "./open-log-reader.ts";
export {
  type NewGroup,
  type NewRecord,
  type RecordForm,
  type RecordState,
  type RecordTrust,
  recordStates,
  recordTrusts,
  type SourceKey,
  type StoredGroup,
  type StoredRecord,
} from "./record.ts";
export type { RecordQuery } from "./record-query.ts";
export { runLogWriterWorker } from "./run-log-writer-worker.ts";
export type { Settlement } from "./settler.ts";
