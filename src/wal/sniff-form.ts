import type { RecordKind } from "../core/event.ts";
import type { RecordForm } from "./record.ts";

/** What the bytes of a record of the earlier system look like. */
export interface SniffedForm {
  readonly form: RecordForm;
  readonly kind: RecordKind;
  /** Whether there is a signature at all; nothing is said of whether it holds. */
  readonly signed: boolean;
}

// Field numbers of messaging.Envelope and messaging.UniversalEnvelope, as far as they tell the two apart: fields 1 to 3
// are the same; in an Envelope 4 is a flow, 5 the signature and 6 the one before, 7 a payload, and nothing follows.
const universalKinds: Readonly<Record<number, RecordKind>> = { 4: "flow", 5: "process", 6: "device", 7: "batch" };
const universalSignature = 8;
const envelopeSignature = 5;
const envelopePreviousSignature = 6;
const ed25519SignatureBytes = 64;

/** The top-level fields of a protobuf message with their lengths, as far as they can be read. */
function topLevelFields(bytes: Uint8Array): Map<number, number> {
  const fields = new Map<number, number>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at] as number;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag % 8;
    const length = wireType === 2 ? varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : 0;
    if (wireType === 0) varint();
    else if (wireType !== 2 && wireType !== 1 && wireType !== 5) break;
    at += length;
    if (!(at <= bytes.length)) break;
    fields.set(Math.floor(tag / 8), length);
  }
  return fields;
}

/**
 * Tells an Envelope from a UniversalEnvelope by the fields at its top, without knowing either further: a field above 7,
 * or a field 5 or 6 of another length than a signature's, is found in the latter alone.
 */
export function sniffForm(bytes: Uint8Array): SniffedForm {
  const fields = topLevelFields(bytes);
  const numbers = [...fields.keys()];
  const signatureLength = fields.get(envelopeSignature) ?? 0;
  const signatureLengths = [signatureLength, fields.get(envelopePreviousSignature) ?? 0];
  const oddSignature = signatureLengths.some((length) => length !== 0 && length !== ed25519SignatureBytes);
  if (numbers.some((number) => number > 7) || oddSignature) {
    const payload = numbers.find((number) => number in universalKinds);
    const kind = payload === undefined ? undefined : universalKinds[payload];
    return { form: "universal", kind: kind ?? "device", signed: (fields.get(universalSignature) ?? 0) > 0 };
  }
  const signed = signatureLength === ed25519SignatureBytes;
  return { form: "envelope", kind: fields.has(4) || !fields.has(7) ? "flow" : "device", signed };
}
