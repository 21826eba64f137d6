import type { LossFacts, ParkedFacts, ProofFacts } from "./facts.ts";
import { bytesOf } from "./text.ts";
import { fieldSize, varint64Size, varintSize, WireWriter } from "./wire-writer.ts";

type FieldValue = number | bigint | string | Uint8Array | readonly Uint8Array[];

/** The canonical bytes of a small message: fields in ascending order, defaults left out. */
function messageBytes(fields: readonly (readonly [number: number, value: FieldValue])[]): Uint8Array {
  const written = fields.flatMap(([number, value]): [number, bigint | Uint8Array][] => {
    if (typeof value === "number" || typeof value === "bigint") return value ? [[number, BigInt(value)]] : [];
    if (typeof value === "string") return value ? [[number, bytesOf(value)]] : [];
    if (value instanceof Uint8Array) return value.length > 0 ? [[number, value]] : [];
    return value.map((item) => [number, item]);
  });
  const sizeOf = ([number, value]: [number, bigint | Uint8Array]) =>
    typeof value === "bigint" ? varintSize(number * 8) + varint64Size(value) : fieldSize(number, value.length);
  const writer = new WireWriter(written.reduce((sum, field) => sum + sizeOf(field), 0));
  for (const [number, value] of written) {
    if (typeof value === "bigint") {
      writer.varint(number * 8);
      writer.varint64(value);
    } else {
      writer.field(number, value);
    }
  }
  return writer.bytes;
}

/** A serialized amoskys.v1.LossRecord. */
export function lossBytes(loss: LossFacts): Uint8Array {
  const { firstSequence, lastSequence, count, reason, startNs, endNs } = loss;
  return messageBytes([
    [1, firstSequence],
    [2, lastSequence],
    [3, count],
    [4, reason],
    [5, startNs],
    [6, endNs],
  ]);
}

/** A serialized amoskys.v1.ParkedRecord. */
export function parkedBytes({ sequence, digest, code, reason }: ParkedFacts): Uint8Array {
  return messageBytes([
    [1, sequence],
    [2, digest],
    [3, code],
    [4, reason],
  ]);
}

/** A serialized amoskys.v1.TreeProof. */
export function proofBytes({ index, size, path }: ProofFacts): Uint8Array {
  return messageBytes([
    [1, index],
    [2, size],
    [3, path],
  ]);
}
