import { type DescMessage, fromBinary, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import type { RecordKind } from "../core/event.ts";
import {
  type LossRecord,
  LossRecordSchema,
  type ParkedRecord,
  ParkedRecordSchema,
} from "../gen/amoskys/v1/records_pb.ts";
import { type FlowEvent, FlowEventSchema, type ProcessEvent, ProcessEventSchema } from "../gen/messaging_schema_pb.ts";
import {
  type DeviceTelemetry,
  DeviceTelemetrySchema,
  type TelemetryBatch,
  TelemetryBatchSchema,
} from "../gen/universal_telemetry_pb.ts";
import { type Refused, refuse } from "./fault.ts";
import { FieldCursor, wireTypes } from "./field-cursor.ts";
import { envelopeBytesMax } from "./limits.ts";

/** Fields and items in all: each becomes an object or an entry that outweighs its two bytes on the wire. */
const elementsMax = 16_384;

/** A record's payload, decoded. */
export type DecodedPayload =
  | { readonly kind: "flow"; readonly event: FlowEvent }
  | { readonly kind: "process"; readonly event: ProcessEvent }
  | { readonly kind: "device"; readonly event: DeviceTelemetry }
  | { readonly kind: "batch"; readonly event: TelemetryBatch }
  | { readonly kind: "loss"; readonly event: LossRecord }
  | { readonly kind: "parked"; readonly event: ParkedRecord };

/** The answer of `decodePayload`. */
export type PayloadResult = { readonly ok: true; readonly payload: DecodedPayload } | Refused;

const schemas: Readonly<Record<RecordKind, DescMessage>> = {
  flow: FlowEventSchema,
  process: ProcessEventSchema,
  device: DeviceTelemetrySchema,
  batch: TelemetryBatchSchema,
  loss: LossRecordSchema,
  parked: ParkedRecordSchema,
};

/**
 * Decodes a record's payload, within limits on its size and the count of its elements. Its depth is that of the known
 * types, none of which contains itself; groups, which could nest unknown, are refused.
 */
export function decodePayload(kind: RecordKind, payload: Uint8Array): PayloadResult {
  if (payload.length > envelopeBytesMax) {
    return refuse("too_large", `a payload of ${payload.length} bytes, at most ${envelopeBytesMax} are decoded`);
  }
  const schema = schemas[kind];
  const refused = checkLimits(schema, payload, { elements: 0, children: new Map() });
  if (refused) return refused;
  try {
    return { ok: true, payload: { kind, event: fromBinary(schema, payload) } as DecodedPayload };
  } catch {
    return refuse("undecodable", `the payload is no ${schema.typeName}`);
  }
}

/**
 * The event in protobuf's JSON mapping: 64-bit integers as strings, bytes in base64, defaults left out, but for
 * the values of which 0 is one like the others: that of a metric, and who a process is.
 */
export function payloadJson({ kind, event }: DecodedPayload): JsonValue {
  const json = toJson(schemas[kind], event as Message);
  if (kind === "process") return { ...processZeros, ...(json as Record<string, JsonValue>) };
  if (kind === "device") for (const { metricData } of (json as DeviceJson).events ?? []) addZero(metricData);
  return json;
}

/** Root is 0, and so is the parent of the first process. */
const processZeros = { pid: "0", ppid: "0", uid: 0, gid: 0 };

/** What of DeviceTelemetry's JSON has metrics. */
interface DeviceJson {
  events?: { metricData?: Record<string, JsonValue> }[];
}

const valueNames = ["numericValue", "stringValue", "booleanValue", "binaryValue"];

function addZero(metric: Record<string, JsonValue> | undefined): void {
  if (metric && !valueNames.some((name) => name in metric)) metric.numericValue = 0;
}

/** What one payload has used up, and the message types found inside others so far. */
interface Walk {
  elements: number;
  readonly children: Map<DescMessage, ReadonlyMap<number, DescMessage>>;
}

function checkLimits(schema: DescMessage, bytes: Uint8Array, walk: Walk): Refused | undefined {
  const children = walk.children.get(schema) ?? childrenOf(schema);
  walk.children.set(schema, children);
  const cursor = new FieldCursor(bytes, false);
  while (cursor.next()) {
    walk.elements += 1;
    if (walk.elements > elementsMax) return refuse("undecodable", `the payload has over ${elementsMax} elements`);
    const child = children.get(cursor.field);
    if (!child || cursor.wireType !== wireTypes.bytes) continue;
    const refused = checkLimits(child, cursor.value(), walk);
    if (refused) return refused;
  }
  return cursor.fault ? refuse("undecodable", `the payload is no ${schema.typeName}: ${cursor.reason}`) : undefined;
}

/** The message types of a message's fields, by field number; of a map, that of its values. */
function childrenOf(schema: DescMessage): ReadonlyMap<number, DescMessage> {
  const children = new Map<number, DescMessage>();
  for (const field of schema.fields) if (field.message) children.set(field.number, field.message);
  return children;
}
