import { type RecordKind, recordKinds } from "../core/event.ts";
import type { SubscribeResponse } from "../gen/amoskys/v1/bus_pb.ts";
import type { RecordTrust } from "../wal/index.ts";
import { type EventView, viewFlowEnvelope, viewUniversal } from "./render-view.ts";

const recordTrusts: readonly RecordTrust[] = ["verified", "signed_legacy", "unsigned"];

/** Opens an event that the bus handed out; words that it does not know count as the least. */
export function viewSubscribed(response: SubscribeResponse): EventView {
  const { agent, receivedNs, event, universal } = response;
  const kind: RecordKind = recordKinds.find((known) => known === response.kind) ?? "flow";
  const trust: RecordTrust = recordTrusts.find((known) => known === response.trust) ?? "unsigned";
  const columns = { id: Number(response.id), agent, kind, trust, receivedNs, intact: true };
  return universal ? viewUniversal(columns, event) : viewFlowEnvelope(columns, event);
}
