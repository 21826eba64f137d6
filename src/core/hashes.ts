import { concatBytes } from "./bytes.ts";

/** SHA-256 of the parts in a row, 32 bytes. */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  // one call on joined bytes takes half the time of a hasher fed piece by piece (bench/log-append.ts)
  const digest = new Uint8Array(32);
  Bun.SHA256.hash(parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(parts), digest);
  return digest;
}

// the runtime asks for room for BLAKE2b's longest digest; its own result object takes twice the time
const longestDigest = new Uint8Array(64);

/** BLAKE2b-256 (RFC 7693) of the bytes, 32 bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  Bun.CryptoHasher.hash("blake2b256", bytes, longestDigest);
  return longestDigest.slice(0, 32);
}
