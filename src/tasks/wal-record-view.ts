import type { StoredRecord } from "../wal/index.ts";
import { type EventView, viewFlowEnvelope, viewUniversal } from "./render-view.ts";

/** A record of a log with what its bytes say. */
export interface RecordView extends EventView {
  readonly record: StoredRecord;
}

/** Opens a record of a log. Where its bytes cannot be read, the columns of the log stand in for them. */
export function viewRecord(record: StoredRecord): RecordView {
  const { id, source, kind, trust, receivedNs, intact, form, bytes } = record;
  const columns = { id, agent: source.agent, kind, trust, receivedNs, intact };
  const view = form === "envelope" ? viewFlowEnvelope(columns, bytes) : viewUniversal(columns, bytes);
  if (view.key !== "") return { ...view, record };
  const { sequence, legacyKey = "", tsNs } = record;
  return { ...view, epoch: source.epoch, sequence, key: legacyKey, tsNs, record };
}
