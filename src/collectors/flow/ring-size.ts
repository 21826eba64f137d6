const blockBytesMax = 1 << 20;
const blockBytesMin = 1 << 12;
/** A ring of fewer blocks is either full or empty. */
const blocksMin = 4;
/** The least that is worth opening a ring for. */
const shareBytesMin = 1 << 20;
/** How many rings of full size all interfaces together may take, where nobody named them. */
const fullRings = 4;

/** Blocks for a ring of about `ringBytes`: as large as possible, a power of two, and at least four. */
export function ringGeometryOf(ringBytes: number): { blockBytes: number; blocks: number } {
  const largest = 2 ** Math.floor(Math.log2(Math.max(1, ringBytes / blocksMin)));
  const blockBytes = Math.max(blockBytesMin, Math.min(blockBytesMax, largest));
  return { blockBytes, blocks: Math.max(blocksMin, Math.floor(ringBytes / blockBytes)) };
}

/**
 * The size of the next ring where rings of `takenBytes` in all are open already and any number may follow: rings do not
 * eat up the memory of a host with hundreds of interfaces.
 */
export function ringShare(ringBytes: number, takenBytes: number): number {
  const share = (fullRings * ringBytes - takenBytes) / fullRings;
  return Math.max(Math.min(ringBytes, shareBytesMin), Math.floor(share));
}
