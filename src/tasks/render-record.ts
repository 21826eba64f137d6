import { printable } from "../core/escape.ts";
import { payloadJson } from "../envelope/index.ts";
import { eventLine } from "./render-event.ts";
import { shortText } from "./render-metric.ts";
import type { EventView } from "./render-view.ts";
import type { RecordView } from "./wal-record-view.ts";

/** A stamp in UTC with milliseconds; one that no calendar holds as its number. */
export function timeText(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  if (ns === 0n || Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) return `${ns} ns`;
  return date.toISOString().replace("T", " ");
}

/** What an event holds, on one line, with what a reader should know of it. */
export function contentLine({ payload, problem, intact, synthetic, trust }: EventView): string {
  const content = payload ? eventLine(payload) : `(unreadable: ${printable(problem ?? "")})`;
  const marks = [
    synthetic && "synthetic",
    trust !== "verified" && (trust === "unsigned" ? "earlier form, unsigned" : "earlier form, signed"),
    !intact && "DAMAGED: its digest does not match",
  ];
  return [content, ...marks.filter(Boolean)].join("  ");
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
