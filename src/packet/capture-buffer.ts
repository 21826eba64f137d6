const chunkBytes = 1 << 20;
/** Room in front of a chunk for the record that the chunk before ended in; larger ones make the buffer grow. */
const headroomBytes = 1 << 18;

/**
 * The part of a capture that is in memory: two buffers that take turns, so that the next chunk can be read while the
 * records of the present one are gone through. What is left of a record moves in front of the next chunk, so a record
 * always lies in one piece.
 */
export class CaptureBuffer {
  bytes: Uint8Array;
  view: DataView;
  /** Where the next record begins, and where what was read ends. */
  at = headroomBytes;
  end = headroomBytes;
  /** Offset in the capture of the first byte of `bytes`. */
  #base = -headroomBytes;
  #spare: Uint8Array;

  constructor() {
    this.bytes = new Uint8Array(headroomBytes + chunkBytes);
    this.view = new DataView(this.bytes.buffer);
    this.#spare = new Uint8Array(headroomBytes + chunkBytes);
  }

  /** How many bytes are there from the next record on. */
  get length(): number {
    return this.end - this.at;
  }

  /** Offset in the capture of the next record. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Room for the next chunk. Records of the present one can still be taken until `filled` is called. */
  space(): Uint8Array {
    return this.#spare.subarray(this.#spare.length - chunkBytes);
  }

  /** Goes on to the chunk of so many bytes that was read into the room. */
  filled(bytes: number): void {
    const left = this.end - this.at;
    const offset = this.offset;
    const chunkAt = this.#spare.length - chunkBytes;
    const next = left > chunkAt ? enlarged(this.#spare, left) : this.#spare;
    const start = next.length - chunkBytes;
    next.set(this.bytes.subarray(this.at, this.end), start - left);
    this.#spare = this.bytes;
    this.bytes = next;
    this.view = new DataView(next.buffer);
    this.at = start - left;
    this.end = start + bytes;
    this.#base = offset - this.at;
  }
}

/** A buffer with a headroom of at least `bytes` that holds the same chunk at its end. */
function enlarged(buffer: Uint8Array, bytes: number): Uint8Array {
  const larger = new Uint8Array(bytes * 2 + chunkBytes);
  larger.set(buffer.subarray(buffer.length - chunkBytes), larger.length - chunkBytes);
  return larger;
}
