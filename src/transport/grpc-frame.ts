/** Bytes before each message: one for the compressed flag, four for the length (gRPC over HTTP/2). */
export const prefixBytes = 5;

/** One uncompressed length-prefixed message. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(prefixBytes + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, prefixBytes);
  return framed;
}

/** The length that a prefix declares. */
export function declaredLength(prefix: Uint8Array): number {
  return new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getUint32(1);
}
