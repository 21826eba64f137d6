import { isUtf8 } from "node:buffer";
import { type FieldCursor, wireTypes } from "./field-cursor.ts";

/** What a field of a message may hold. */
type ValueType = "text" | "bytes" | "message" | "uint64" | "uint32" | "bool" | "fixed64";

interface FieldShape {
  readonly name: string;
  readonly type: ValueType;
  readonly repeated: boolean;
}

/** The fields of a message that this build knows, by number. */
export type MessageShape = readonly (FieldShape | undefined)[];

function messageShape(fields: Readonly<Record<number, string>>): MessageShape {
  const shape: (FieldShape | undefined)[] = [];
  for (const [number, declaration] of Object.entries(fields)) {
    const [name = "", type, repeated] = declaration.split(" ");
    shape[Number(number)] = { name, type: type as ValueType, repeated: repeated === "repeated" };
  }
  return shape;
}

/** messaging.UniversalEnvelope. */
export const universalShape = messageShape({
  1: "version text",
  2: "ts_ns uint64",
  3: "idempotency_key text",
  4: "flow message",
  5: "process message",
  6: "device_telemetry message",
  7: "telemetry_batch message",
  8: "sig bytes",
  9: "prev_sig bytes",
  10: "signing_algorithm text",
  11: "certificate_chain text",
  12: "priority text",
  13: "processing_hints text repeated",
  14: "target_processors text",
  15: "retry_count uint32",
  16: "max_processing_time_ns uint64",
  17: "requires_acknowledgment bool",
  100: "agent text",
  101: "epoch fixed64",
  102: "sequence uint64",
  103: "loss message",
  104: "proof message",
  105: "parked message",
  106: "is_synthetic bool",
});

/** messaging.Envelope. */
export const flowEnvelopeShape = messageShape({
  1: "version text",
  2: "ts_ns uint64",
  3: "idempotency_key text",
  4: "flow message",
  5: "sig bytes",
  6: "prev_sig bytes",
  7: "payload bytes",
});

/** amoskys.v1.LossRecord. */
export const lossShape = messageShape({
  1: "first_sequence uint64",
  2: "last_sequence uint64",
  3: "count uint64",
  4: "reason text",
  5: "start_ns uint64",
  6: "end_ns uint64",
});

/** amoskys.v1.ParkedRecord. */
export const parkedShape = messageShape({
  1: "sequence uint64",
  2: "digest bytes",
  3: "code text",
  4: "reason text",
});

/** amoskys.v1.TreeProof. */
export const proofShape = messageShape({
  1: "index uint64",
  2: "size uint64",
  3: "path bytes repeated",
});

const wireTypeOf: Readonly<Record<ValueType, number>> = {
  text: wireTypes.bytes,
  bytes: wireTypes.bytes,
  message: wireTypes.bytes,
  uint64: wireTypes.varint,
  uint32: wireTypes.varint,
  bool: wireTypes.varint,
  fixed64: wireTypes.fixed64,
};

function isText(cursor: FieldCursor): boolean {
  const { bytes, start, end } = cursor;
  for (let i = start; i < end; i += 1) {
    if ((bytes[i] as number) >= 0x80) return isUtf8(bytes.subarray(i, end));
  }
  return true;
}

function isDefault(cursor: FieldCursor, shape: FieldShape): boolean {
  switch (shape.type) {
    case "message":
      return false;
    case "text":
    case "bytes":
      return cursor.start === cursor.end;
    case "fixed64": {
      for (let i = cursor.start; i < cursor.end; i += 1) if (cursor.bytes[i] !== 0) return false;
      return true;
    }
    default:
      return cursor.low === 0 && cursor.high === 0;
  }
}

function valueMax(type: ValueType): number {
  if (type === "bool") return 1;
  return type === "uint32" ? 0xffff_ffff : Number.POSITIVE_INFINITY;
}

/**
 * Moves to the next field and holds it against the message's shape: its wire type, once unless repeated, text in UTF-8;
 * strict also no default value and nothing outside the type's range. Fields outside the shape pass.
 */
export function nextShaped(cursor: FieldCursor, message: MessageShape, strict: boolean, seen: FieldSet): boolean {
  if (!cursor.next()) return false;
  const shape = message[cursor.field];
  if (!shape) return true;
  if (cursor.wireType !== wireTypeOf[shape.type]) {
    return cursor.stop("non_canonical", `field ${shape.name} has the wire type of another type`);
  }
  if (!shape.repeated) {
    if (seen.has(cursor.field)) return cursor.stop("non_canonical", `field ${shape.name} comes twice`);
    seen.add(cursor.field);
    if (strict && isDefault(cursor, shape)) {
      return cursor.stop("non_canonical", `field ${shape.name} is written out with its default value`);
    }
  }
  if (shape.type === "text" && !isText(cursor)) return cursor.stop("undecodable", `field ${shape.name} is no UTF-8`);
  if (strict && shape.type !== "uint64" && cursor.wireType === wireTypes.varint) {
    if (cursor.count() > valueMax(shape.type)) {
      return cursor.stop("non_canonical", `field ${shape.name} is beyond the range of its type`);
    }
  }
  return true;
}

/** Field numbers up to 127 that were met. */
export class FieldSet {
  readonly #words = [0, 0, 0, 0];

  has(field: number): boolean {
    return ((this.#words[field >>> 5] as number) & (1 << (field & 31))) !== 0;
  }

  add(field: number): void {
    this.#words[field >>> 5] = (this.#words[field >>> 5] as number) | (1 << (field & 31));
  }
}
