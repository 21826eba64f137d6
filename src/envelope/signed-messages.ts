import { concatBytes } from "../core/bytes.ts";

const encoder = new TextEncoder();
const plainPrefix = encoder.encode("AMOSKYS-ENV-v2\0");
const treePrefix = encoder.encode("AMOSKYS-TREE-v2\0");
const zero = new Uint8Array(1);

/** What `ed25519-v2` signs: its name, zero, the agent's name, zero, the leaf bytes. */
export function plainMessage(agent: string, leaf: Uint8Array): Uint8Array {
  return concatBytes([plainPrefix, encoder.encode(agent), zero, leaf]);
}

/** What `ed25519-v2-tree` signs: its name, zero, the agent's name, zero, the size (8 bytes, big endian), the root. */
export function treeMessage(agent: string, size: number, root: Uint8Array): Uint8Array {
  const sizeBytes = new Uint8Array(8);
  new DataView(sizeBytes.buffer).setBigUint64(0, BigInt(size));
  return concatBytes([treePrefix, encoder.encode(agent), zero, sizeBytes, root]);
}

/** The key of a v2 envelope: EPOCH.SEQUENCE, each 16 hexadecimal digits. */
export function envelopeKey(epoch: string, sequence: number): string {
  return `${epoch}.${sequence.toString(16).padStart(16, "0")}`;
}
