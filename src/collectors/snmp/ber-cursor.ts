/** What is wrong with a message, and at which byte. */
export interface BerFault {
  readonly reason: string;
  readonly offset: number;
}

/** SMI allows 128 sub-identifiers (RFC 2578, 3.5), each of five bytes at most. */
const oidBytesMax = 128 * 5;

/**
 * Reads BER in place, as strictly as SNMP may be read: definite lengths of at most four bytes, and every element inside
 * of the one that holds it. The first fault sticks and ends all reading.
 */
export class BerCursor {
  fault: BerFault | undefined;
  readonly #bytes: Uint8Array;
  #offset = 0;
  /** Ends of the elements that are open, innermost last. */
  readonly #ends: number[];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#ends = [bytes.length];
  }

  get #end(): number {
    return this.#ends.at(-1) as number;
  }

  /** Whether the element that is open has more in it. */
  get more(): boolean {
    return this.fault === undefined && this.#offset < this.#end;
  }

  /** Where it stands. */
  get offset(): number {
    return this.#offset;
  }

  /** Tag of the next element, without moving. */
  peek(): number | undefined {
    return this.more ? this.#bytes[this.#offset] : undefined;
  }

  /** Goes into an element; `leave` takes it back out. */
  enter(tag: number): boolean {
    const end = this.#header(tag);
    if (end === undefined) return false;
    this.#ends.push(end);
    return true;
  }

  /** Leaves the element that is open; it must have been read to its end. */
  leave(): boolean {
    if (this.fault) return false;
    if (this.#offset !== this.#end) return this.refuse("an element is longer than what is in it");
    this.#ends.pop();
    return true;
  }

  /** The content of a primitive element. */
  content(tag: number): Uint8Array | undefined {
    const end = this.#header(tag);
    if (end === undefined) return undefined;
    const content = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return content;
  }

  /** An integer of at most `bytesMax` bytes. */
  integer(tag: number, bytesMax: number): number | undefined {
    const content = this.content(tag);
    if (content === undefined) return undefined;
    if (content.length === 0 || content.length > bytesMax) {
      this.refuse(`an integer of ${content.length} bytes`);
      return undefined;
    }
    let value = ((content[0] as number) << 24) >> 24;
    for (let i = 1; i < content.length; i += 1) value = value * 256 + (content[i] as number);
    return value;
  }

  /** An object identifier in dotted form. */
  oid(): string | undefined {
    const end = this.#header(0x06);
    if (end === undefined) return undefined;
    const start = this.#offset;
    this.#offset = end;
    const length = end - start;
    if (length === 0 || length > oidBytesMax) return this.#none(`an OID of ${length} bytes`);
    if ((this.#bytes[end - 1] as number) & 0x80) return this.#none("an OID that breaks off");
    const text = oidText(this.#bytes, start, end);
    return text ?? this.#none("an OID with a number beyond 32 bits");
  }

  /** Notes what is wrong here, where nothing was wrong before. */
  refuse(reason: string): false {
    this.fault ??= { reason, offset: this.#offset };
    return false;
  }

  /** Reads tag and length; answers where the content ends. */
  #header(tag: number): number | undefined {
    if (this.fault) return undefined;
    if (!this.more) return this.#none("the message breaks off");
    const found = this.#bytes[this.#offset] as number;
    if (found !== tag) return this.#none(`tag 0x${found.toString(16)} in place of 0x${tag.toString(16)}`);
    let at = this.#offset + 1;
    if (at >= this.#end) return this.#none("the message breaks off");
    let length = this.#bytes[at] as number;
    at += 1;
    if (length & 0x80) {
      const count = length & 0x7f;
      if (count === 0) return this.#none("an indefinite length");
      if (count > 4) return this.#none(`a length of ${count} bytes`);
      if (at + count > this.#end) return this.#none("the message breaks off");
      length = 0;
      for (let i = 0; i < count; i += 1) length = length * 256 + (this.#bytes[at + i] as number);
      at += count;
    }
    if (at + length > this.#end) return this.#none("a length beyond the element around it");
    this.#offset = at;
    return at + length;
  }

  #none(reason: string): undefined {
    this.refuse(reason);
    return undefined;
  }
}

/** The dotted form of the sub-identifiers between two places; undefined where one is beyond 32 bits. */
function oidText(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  let part = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    part = part * 128 + (byte & 0x7f);
    if (part > 0xffff_ffff) return undefined;
    if (byte & 0x80) continue;
    if (text === "") {
      // the first stands for two (X.690, 8.19)
      const first = part < 80 ? Math.trunc(part / 40) : 2;
      text = `${first}.${part - first * 40}`;
    } else text += `.${part}`;
    part = 0;
  }
  return text;
}
