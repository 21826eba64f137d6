import type { EnvelopeFault } from "./fault.ts";

/** Wire types of protobuf that occur in messages of version 3 (Encoding, "Message Structure"). */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** 2^49: seven groups of a varint are kept in one number, the other three in a second. */
const lowLimit = 2 ** 49;

/**
 * Goes over the fields of one serialized message without decoding any of them. Strict: tags, lengths and varints in
 * their shortest form, field numbers never falling.
 */
export class FieldCursor {
  /** Number of the field at hand. */
  field = 0;
  wireType = 0;
  /** Where the field's tag begins. */
  at = 0;
  /** Where its value begins: for bytes behind the length. */
  start = 0;
  /** Behind its value. */
  end = 0;
  /** The varint at hand is high * 2^49 + low. */
  low = 0;
  high = 0;
  /** Why `next` ended early. */
  fault: EnvelopeFault | undefined;
  reason = "";
  readonly bytes: Uint8Array;
  readonly #limit: number;
  readonly #strict: boolean;
  #offset: number;
  #minimal = true;

  constructor(bytes: Uint8Array, strict: boolean, start = 0, limit = bytes.length) {
    this.bytes = bytes;
    this.#strict = strict;
    this.#offset = start;
    this.#limit = limit;
  }

  /** Moves to the next field; false at the end, and where the bytes are refused (`fault` says so). */
  next(): boolean {
    if (this.#offset >= this.#limit) return false;
    const before = this.field;
    this.at = this.#offset;
    if (!this.#readVarint()) return this.stop("undecodable", "a tag is cut off or longer than 64 bits");
    if (this.high > 0 || this.low > 0xffff_ffff) return this.stop("undecodable", "a tag is longer than 32 bits");
    if (this.#strict && !this.#minimal) return this.stop("non_canonical", "a tag is not in its shortest form");
    this.field = Math.floor(this.low / 8);
    this.wireType = this.low & 7;
    if (this.field === 0) return this.stop("undecodable", "field number 0");
    if (this.#strict && this.field < before) return this.stop("non_canonical", "fields are not in ascending order");
    return this.#readValue();
  }

  /** Ends the walk with a fault; always false. */
  stop(fault: EnvelopeFault, reason: string): false {
    this.fault = fault;
    this.reason = reason;
    this.#offset = this.#limit;
    return false;
  }

  /** The value at hand, a view. */
  value(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The varint at hand. */
  uint64(): bigint {
    return this.high === 0 ? BigInt(this.low) : (BigInt(this.high) << 49n) | BigInt(this.low);
  }

  /** The varint at hand, or Infinity where it is above 2^53 - 1. */
  count(): number {
    return this.high < 16 ? this.high * lowLimit + this.low : Number.POSITIVE_INFINITY;
  }

  #readValue(): boolean {
    switch (this.wireType) {
      case wireTypes.varint: {
        this.start = this.#offset;
        if (!this.#readVarint()) return this.stop("undecodable", `field ${this.field}: varint cut off or too long`);
        if (this.#strict && !this.#minimal)
          return this.stop("non_canonical", `field ${this.field}: varint not in its shortest form`);
        this.end = this.#offset;
        return true;
      }
      case wireTypes.bytes: {
        if (!this.#readVarint()) return this.stop("undecodable", `field ${this.field}: length cut off or too long`);
        if (this.#strict && !this.#minimal)
          return this.stop("non_canonical", `field ${this.field}: length not in its shortest form`);
        return this.#advance(this.high > 0 ? Number.POSITIVE_INFINITY : this.low);
      }
      case wireTypes.fixed64:
        return this.#advance(8);
      case wireTypes.fixed32:
        return this.#advance(4);
      default:
        return this.stop("undecodable", `field ${this.field}: wire type ${this.wireType} is not used here`);
    }
  }

  #advance(length: number): boolean {
    if (length > this.#limit - this.#offset) return this.stop("undecodable", `field ${this.field}: value cut off`);
    this.start = this.#offset;
    this.end = this.#offset + length;
    this.#offset = this.end;
    return true;
  }

  #readVarint(): boolean {
    const { bytes } = this;
    let offset = this.#offset;
    const limit = this.#limit;
    let byte = 0x80;
    let low = 0;
    let high = 0;
    let scale = 1;
    let read = 0;
    while (byte >= 0x80) {
      if (offset >= limit || read === 10) return false;
      byte = bytes[offset] as number;
      offset += 1;
      if (read === 7) scale = 1;
      if (read < 7) low += (byte & 0x7f) * scale;
      else high += (byte & 0x7f) * scale;
      scale *= 128;
      read += 1;
    }
    if (high > 0x7fff) return false;
    this.#minimal = byte !== 0 || read === 1;
    this.low = low;
    this.high = high;
    this.#offset = offset;
    return true;
  }
}
