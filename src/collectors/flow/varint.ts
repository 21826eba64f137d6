/** Writes an integer from 0 to 2^53 - 1 as a protobuf varint; answers where it ends. */
export function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let large = value;
  while (large > 0x7fffffff) {
    bytes[at++] = (large % 128) | 0x80;
    large = Math.floor(large / 128);
  }
  let rest = large | 0;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Writes a 64-bit integer, given as two unsigned 32-bit halves, as a protobuf varint; answers where it ends. */
export function writeVarint64(bytes: Uint8Array, start: number, low: number, high: number): number {
  let at = start;
  let lo = low | 0;
  let hi = high | 0;
  while (hi !== 0) {
    bytes[at++] = (lo & 127) | 0x80;
    lo = (lo >>> 7) | (hi << 25);
    hi >>>= 7;
  }
  while (lo >>> 0 > 127) {
    bytes[at++] = (lo & 127) | 0x80;
    lo >>>= 7;
  }
  bytes[at++] = lo;
  return at;
}
