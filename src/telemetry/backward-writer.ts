/** Wire types of protobuf. */
const wire = { varint: 0, fixed64: 1, delimited: 2 } as const;

const encoder = new TextEncoder();

/**
 * Writes protobuf from its end to its start, so that the length of a message is known when it is written: fields go in
 * from the last to the first. Fields with their default are left out, as proto3 has it.
 */
export class BackwardWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  /** Where what was written begins. */
  #at = this.#bytes.length;

  /** Begins anew; what was written is overwritten. */
  reset(): void {
    this.#at = this.#bytes.length;
  }

  /** What was written, as a view that ends with the next `reset`. */
  written(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** Bytes written so far: where a message ends that begins with the next fields. */
  mark(): number {
    return this.#bytes.length - this.#at;
  }

  /** Makes what was written since `end` the content of a field. */
  message(field: number, end: number): void {
    this.#reserve(16);
    this.#varint(this.mark() - end);
    this.#varint((field << 3) | wire.delimited);
  }

  /** A string, in UTF-8; an empty one only if `evenEmpty`. */
  text(field: number, text: string, evenEmpty = false): void {
    if (text.length === 0 && !evenEmpty) return;
    this.#reserve(text.length * 3 + 16);
    this.#varint(this.#utf8(text));
    this.#varint((field << 3) | wire.delimited);
  }

  double(field: number, value: number): void {
    // -0 is no default
    if (Object.is(value, 0)) return;
    this.#reserve(16);
    this.#at -= 8;
    this.#view.setFloat64(this.#at, value, true);
    this.#varint((field << 3) | wire.fixed64);
  }

  /** A whole number, not below 0; throws a RangeError for any other. */
  count(field: number, value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 64) throw new RangeError(`${value} is no count`);
    if (value === 0) return;
    this.#reserve(16);
    this.#varint(value);
    this.#varint((field << 3) | wire.varint);
  }

  /** Fields that are encoded already. */
  raw(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#at -= fields.length;
    this.#bytes.set(fields, this.#at);
  }

  /** Answers how many bytes the text took. */
  #utf8(text: string): number {
    const { length } = text;
    let i = length - 1;
    for (; i >= 0; i -= 1) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      this.#at -= 1;
      this.#bytes[this.#at] = code;
    }
    if (i < 0) return length;
    // what is not ASCII from its start to its end; a pair of surrogates is never parted
    const rest = encoder.encode(text.slice(0, i + 1));
    this.#at -= rest.length;
    this.#bytes.set(rest, this.#at);
    return rest.length + length - i - 1;
  }

  #varint(value: number): void {
    let rest = value;
    let end = this.#at - 1;
    for (let above = value; above > 127; above = Math.floor(above / 128)) end -= 1;
    this.#at = end;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[end++] = (rest % 128) | 0x80;
    this.#bytes[end] = rest;
  }

  /** Makes room in front for so many bytes. */
  #reserve(count: number): void {
    if (this.#at >= count) return;
    const written = this.written();
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, written.length + count));
    larger.set(written, larger.length - written.length);
    this.#at = larger.length - written.length;
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
