import { concatBytes } from "./bytes.ts";
import { sha256 } from "./hashes.ts";

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** SHA-256(0x00 || bytes): the hash of a leaf (RFC 6962, section 2.1). */
export function leafHash(bytes: Uint8Array): Uint8Array {
  return sha256(leafPrefix, bytes);
}

/** SHA-256(0x01 || left || right): the hash of an inner node (RFC 6962, section 2.1). */
function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right);
}

/** The largest power of two below `size`; where RFC 6962 splits a tree. */
function splitPoint(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1));
}

/** The Merkle tree head over leaf hashes (RFC 6962, section 2.1); of none, the hash of nothing. */
export function treeRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return sha256();
  const range = new CompactRange();
  for (const hash of hashes) range.append(hash);
  return range.root();
}

/** The audit path of leaf `index`, leaf upwards (RFC 6962, section 2.1.1). */
export function auditPath(hashes: readonly Uint8Array[], index: number): Uint8Array[] {
  if (hashes.length <= 1) return [];
  const split = splitPoint(hashes.length);
  const left = hashes.slice(0, split);
  const right = hashes.slice(split);
  return index < split
    ? [...auditPath(left, index), treeRoot(right)]
    : [...auditPath(right, index - split), treeRoot(left)];
}

/** The root that a leaf hash and its path lead to, or undefined where the path cannot belong to that place. */
export function rootFromPath(
  hash: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index < 0 || index >= size) return undefined;
  let node = index;
  let last = size - 1;
  let root = hash;
  for (const sibling of path) {
    if (last === 0 || sibling.length !== 32) return undefined;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else {
      root = nodeHash(root, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : undefined;
}

/**
 * A tree that grows at its right edge and keeps only the roots of its perfect subtrees, largest first: 32 bytes for
 * each bit that is set in its size.
 */
export class CompactRange {
  #size: number;
  readonly #peaks: Uint8Array[];

  constructor(size = 0, peaks: Uint8Array = new Uint8Array()) {
    this.#size = size;
    this.#peaks = [];
    for (let offset = 0; offset < peaks.length; offset += 32) this.#peaks.push(peaks.slice(offset, offset + 32));
  }

  get size(): number {
    return this.#size;
  }

  append(hash: Uint8Array): void {
    let node = hash;
    for (let size = this.#size; size % 2 === 1; size = Math.floor(size / 2)) {
      const left = this.#peaks.pop();
      if (left) node = nodeHash(left, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
  }

  /** The tree head over all that was appended. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (let i = this.#peaks.length - 1; i >= 0; i -= 1) {
      const peak = this.#peaks[i] as Uint8Array;
      root = root ? nodeHash(peak, root) : peak;
    }
    return root ?? sha256();
  }

  /** The peaks in a row, for storing; give them back to the constructor with the size. */
  peaks(): Uint8Array {
    return concatBytes(this.#peaks);
  }
}
