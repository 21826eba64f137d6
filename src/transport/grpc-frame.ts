/** Bytes before each message: one for the compressed flag, four for the length (grpc/grpc, doc/PROTOCOL-HTTP2.md). */
export const prefixBytes = 5;

/** One uncompressed length-prefixed message. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

/** The length that a prefix declares. */
export function declaredLength(prefix: Uint8Array): number {
  const byte = (i: number) => prefix[i] as number;
  return byte(1) * 2 ** 24 + byte(2) * 2 ** 16 + byte(3) * 2 ** 8 + byte(4);
}
