import protobuf from "protobufjs";

/** One field of a message as it lies on the wire. */
export interface RawField {
  readonly number: number;
  readonly wireType: number;
  /** With its tag. */
  readonly bytes: Uint8Array;
  readonly value: Uint8Array;
}

/** Takes a message apart with protobufjs' reader. */
export function splitFields(bytes: Uint8Array): RawField[] {
  const reader = protobuf.Reader.create(bytes);
  const fields: RawField[] = [];
  while (reader.pos < reader.len) {
    const at = reader.pos;
    const tag = reader.uint32();
    const start = reader.pos;
    reader.skipType(tag & 7);
    fields.push({
      number: tag >>> 3,
      wireType: tag & 7,
      bytes: bytes.slice(at, reader.pos),
      value: bytes.slice(start, reader.pos),
    });
  }
  return fields;
}

/** Puts fields together again. */
export function joinFields(fields: readonly RawField[]): Uint8Array {
  return new Uint8Array(Buffer.concat(fields.map((field) => field.bytes)));
}

/** A varint in its shortest form. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.of(...bytes, Number(rest));
}

/** A varint with a needless last group. */
export function overlong(shortest: Uint8Array): Uint8Array {
  const bytes = shortest.slice();
  bytes[bytes.length - 1] = (bytes.at(-1) as number) | 0x80;
  return Uint8Array.of(...bytes, 0);
}

/** A field out of its parts; `value` is what follows the tag. */
export function rawField(number: number, wireType: number, value: Uint8Array): RawField {
  return { number, wireType, value, bytes: new Uint8Array(Buffer.concat([varint(number * 8 + wireType), value])) };
}

/** A field that holds bytes. */
export function bytesField(number: number, content: Uint8Array): RawField {
  return rawField(number, 2, new Uint8Array(Buffer.concat([varint(content.length), content])));
}

/** The fields with one more, behind all that do not have a higher number. */
export function insertField(fields: readonly RawField[], field: RawField): RawField[] {
  const index = fields.findIndex((other) => other.number > field.number);
  return index < 0 ? [...fields, field] : [...fields.slice(0, index), field, ...fields.slice(index)];
}

/** What a field of bytes holds, without its length. */
export function contentOf(field: RawField | undefined): Uint8Array {
  return field ? protobuf.Reader.create(field.value).bytes() : new Uint8Array();
}
