import { printable } from "../core/escape.ts";
import { type DecodedPayload, payloadJson } from "../envelope/index.ts";
import type { FlowEvent, ProcessEvent } from "../gen/messaging_schema_pb.ts";
import type { DeviceTelemetry, TelemetryEvent } from "../gen/universal_telemetry_pb.ts";
import { packTexts } from "./fit-text.ts";
import { eventLine, flowTimeNs, tcpFlagText } from "./render-event.ts";
import { wholeMetricText } from "./render-metric.ts";
import { timeText } from "./render-time.ts";

/** Fields of a message in protobuf's JSON mapping. */
type Fields = Readonly<Record<string, unknown>>;

/** Fields whose keys come from the outside and stand as they are. */
const maps: ReadonlySet<string> = new Set([
  "attributes",
  "capabilities",
  "complianceStatus",
  "customProperties",
  "edgeMetadata",
  "fields",
]);

/**
 * All that an event holds beyond its line, one line for each event of a device; lines of plain fields are packed into
 * `columns`, others are as long as what they hold.
 */
export function* detailLines(payload: DecodedPayload, columns: number): Generator<string, void> {
  const json = payloadJson(payload) as Fields;
  switch (payload.kind) {
    case "flow":
      return yield* packTexts(flowTexts(payload.event, json), columns);
    case "process":
      yield `command line ${commandLine(payload.event)}`;
      return yield* packTexts(fieldTexts(json, ["args", "pid", "ppid", "uid", "kind"]), columns);
    case "device":
      return yield* deviceLines(payload.event, json, columns);
    case "batch":
      yield* packTexts(fieldTexts(json, ["telemetryRecords"]), columns);
      for (const event of payload.event.telemetryRecords) {
        const record: DecodedPayload = { kind: "device", event };
        yield eventLine(record, columns);
        for (const line of detailLines(record, columns - 2)) yield `  ${line}`;
      }
      return;
    case "loss":
      return yield* packTexts(fieldTexts(json, []), columns);
    case "parked":
      yield `digest ${Buffer.from(payload.event.digest).toString("hex")}`;
      return yield* packTexts(fieldTexts(json, ["digest"]), columns);
  }
}

/** `statusChangeTimeNs` as `status change time`. */
function wordsOf(key: string): string {
  return key.replace(/(Ts)?Ns$/, "").replace(/[A-Z]+/g, (capitals) => ` ${capitals.toLowerCase()}`);
}

function valueText(key: string, value: unknown): string {
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  if (key.endsWith("Ns") && typeof value === "string") return timeText(BigInt(value));
  return printable(String(value));
}

/** `name value` for each field, those of messages inside as well; empty ones are left out. */
function fieldTexts(fields: Fields, without: readonly string[], isMap = false): string[] {
  return Object.entries(fields).flatMap(([key, value]) => {
    if (!isMap && without.includes(key)) return [];
    const name = isMap ? printable(key) : wordsOf(key);
    if (!Array.isArray(value)) {
      if (typeof value === "object" && value !== null) return fieldTexts(value as Fields, [], maps.has(key));
      return [`${name} ${valueText(isMap ? "" : key, value)}`.trimEnd()];
    }
    const isOfMessages = typeof value[0] === "object";
    if (isOfMessages) return value.flatMap((item) => [name, ...fieldTexts(item as Fields, [])]);
    return [`${name} ${value.map((item) => valueText("", item)).join(", ")}`];
  });
}

/** As it can be given to a shell. */
function commandLine({ args, exe }: ProcessEvent): string {
  const words = args.length > 0 ? args : [exe];
  return words
    .map((word) => (/^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .map(printable)
    .join(" ");
}

function flowTexts(flow: FlowEvent, json: Fields): string[] {
  const { flags, tcpFlagsTx, tcpFlagsRx, startTime, endTime, bytesTx, bytesRx } = flow;
  const isTwice = {
    proto: flow.protocol === flow.proto,
    bytesSent: bytesTx === flow.bytesSent,
    bytesRecv: bytesRx === flow.bytesRecv,
  };
  const told = {
    ...json,
    ...(startTime > 0n ? { startTime: timeText(flowTimeNs(startTime)) } : {}),
    ...(endTime > 0n ? { endTime: timeText(flowTimeNs(endTime)) } : {}),
    ...(flags > 0 ? { flags: tcpFlagText(flags) } : {}),
    ...(tcpFlagsTx > 0 ? { tcpFlagsTx: tcpFlagText(tcpFlagsTx) } : {}),
    ...(tcpFlagsRx > 0 ? { tcpFlagsRx: tcpFlagText(tcpFlagsRx) } : {}),
  };
  const twice = Object.entries(isTwice).flatMap(([name, same]) => (same ? [name] : []));
  return fieldTexts(told, ["srcIp", "srcPort", "dstIp", "dstPort", "protocol", ...twice]);
}

function* deviceLines(device: DeviceTelemetry, json: Fields, columns: number): Generator<string, void> {
  yield* packTexts(fieldTexts(json, ["events", "collectionAgent", "deviceId"]), columns);
  const events = (json.events ?? []) as readonly Fields[];
  for (const [index, event] of device.events.entries()) yield telemetryLine(event, device, events[index] ?? {});
}

function telemetryLine(event: TelemetryEvent, device: DeviceTelemetry, json: Fields): string {
  const { eventType, severity, metricData, statusData, eventTimestampNs, sourceComponent } = event;
  const without = ["eventId", "eventType", "severity", "metricData", "statusData", "attributes"];
  if (eventTimestampNs === device.timestampNs) without.push("eventTimestampNs");
  if (sourceComponent === device.collectionAgent) without.push("sourceComponent");
  const mark = severity === "" || severity === "INFO" ? "" : `${printable(severity)} `;
  const { componentName = "", status = "" } = statusData ?? {};
  const head = [metricData ? "" : eventType || "EVENT", componentName, status].filter(Boolean).map(printable).join(" ");
  return [
    `${mark}${metricData ? wholeMetricText(metricData) : head}`,
    ...fieldTexts((json.statusData ?? {}) as Fields, ["componentName", "status"]),
    // of a change of a network they are what a person looks for
    ...fieldTexts((json.attributes ?? {}) as Fields, [], true),
    ...fieldTexts(json, without),
  ].join("  ");
}
