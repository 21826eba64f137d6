/** Bytes that a varint of up to 2^53 - 1 takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Bytes that a uint64 takes. */
export function varint64Size(value: bigint): number {
  const high = Number(value >> 49n);
  return high === 0 ? varintSize(Number(value)) : 7 + varintSize(high);
}

/** Bytes that a field of `length` bytes takes with its tag and its length. */
export function fieldSize(number: number, length: number): number {
  return varintSize(number * 8) + varintSize(length) + length;
}

/** Writes protobuf's wire format into bytes whose length was computed before. */
export class WireWriter {
  readonly bytes: Uint8Array;
  #offset = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  /** A tag, a length or a count, up to 2^53 - 1. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  /** A uint64. */
  varint64(value: bigint): void {
    const high = Number(value >> 49n);
    let rest = Number(BigInt.asUintN(49, value));
    if (high === 0) {
      this.varint(rest);
      return;
    }
    for (let i = 0; i < 7; i += 1) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.varint(high);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  /** A count as 16 lower-case hexadecimal digits. */
  hex16(value: number): void {
    let rest = value;
    for (let i = this.#offset + 15; i >= this.#offset; i -= 1) {
      const digit = rest % 16;
      this.bytes[i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
      rest = Math.floor(rest / 16);
    }
    this.#offset += 16;
  }

  /** Tag, length and bytes of a field. */
  field(number: number, bytes: Uint8Array): void {
    this.varint(number * 8 + 2);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Tag and value of a uint64 field. */
  countField(number: number, value: number): void {
    this.varint(number * 8);
    this.varint(value);
  }

  #byte(value: number): void {
    this.bytes[this.#offset] = value;
    this.#offset += 1;
  }
}
