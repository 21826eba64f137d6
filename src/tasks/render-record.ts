import { printable } from "../core/escape.ts";
import { payloadJson } from "../envelope/index.ts";
import { collectorOf } from "./event-collector.ts";
import { eventLine } from "./render-event.ts";
import { shortText } from "./render-metric.ts";
import type { EventView } from "./render-view.ts";
import type { RecordView } from "./wal-record-view.ts";

const syntheticMark = "synthetic";

/** What an event holds, on one line of about so many columns, with what a reader should know of it. */
export function contentLine({ payload, problem, intact, synthetic, trust }: EventView, columns: number): string {
  const marks = [
    synthetic && `  ${syntheticMark}`,
    trust !== "verified" && (trust === "unsigned" ? "  earlier form, unsigned" : "  earlier form, signed"),
    !intact && "  DAMAGED: its digest does not match",
  ].filter((mark) => typeof mark === "string");
  const room = columns - marks.join("").length;
  const content = payload ? eventLine(payload, room) : `(unreadable: ${printable(problem ?? "")})`;
  // made-up flows were seen on an interface of that name
  const isSaid = synthetic && content.endsWith(`  ${syntheticMark}`);
  return content + marks.slice(isSaid ? 1 : 0).join("");
}

/** The state of a record and, where the bus refused it, why. */
export function stateText({ record }: RecordView): string {
  const { state, code = "", reason } = record;
  if (state !== "parked") return state;
  return `parked (${shortText(code)}${reason ? `: ${shortText(reason)}` : ""})`;
}

/** An event as one JSON object: our columns in snake case, the event in protobuf's JSON mapping. */
export function eventJson(view: EventView): Record<string, unknown> {
  const { id, agent, epoch, sequence, key, kind, trust, tsNs, receivedNs, synthetic, payload, problem } = view;
  return {
    id: String(id),
    agent,
    epoch: epoch || undefined,
    sequence: sequence > 0 ? String(sequence) : undefined,
    key,
    ts_ns: String(tsNs),
    received_ns: String(receivedNs),
    kind,
    collector: collectorOf(view),
    trust,
    synthetic: synthetic || undefined,
    intact: view.intact ? undefined : false,
    event: payload ? payloadJson(payload) : undefined,
    problem,
  };
}

/** A record of a log as one JSON object: the event, and how the log keeps it. */
export function recordJson(view: RecordView): Record<string, unknown> {
  const { state, form, code, reason, tries, bytes, digest } = view.record;
  return {
    ...eventJson(view),
    state,
    form,
    code,
    reason,
    tries: tries > 0 ? tries : undefined,
    bytes: bytes.length,
    digest: Buffer.from(digest).toString("hex"),
  };
}
