/** An envelope on the wire, in bytes. What others already send obeys it too. */
export const envelopeBytesMax = 131_072;

/** Leaves of one tree: one group commit of an agent's log. */
export const treeLeavesMax = 512;

/** All leaf bytes of one tree. */
export const treeBytesMax = 1 << 20;

/** The longest audit path in such a tree: log2 of its leaves. */
export const proofPathMax = 9;

/** Envelopes of one PublishEnvelopes call. */
export const envelopesPerCallMax = 512;

/** Bytes kept free in a leaf: it must fit as well once sig (66 bytes) and a proof of 9 hashes (at most 318) are in. */
const standaloneBytes = 512;

/** The bytes of a leaf: room is left for what an envelope that stands alone carries besides. */
export const leafBytesMax = envelopeBytesMax - standaloneBytes;

/** What a leaf adds to its payload at most: stamp, key, chain, agent, epoch, sequence and their tags (229 bytes). */
export const leafOverheadBytesMax = 256;

/** The bytes of a payload that fit into any leaf. */
export const payloadBytesMax = leafBytesMax - leafOverheadBytesMax;

/** The number of the schema that this build reads and writes whole; the bus says it in GetStatus. */
export const schemaNumber = 1;

/** Ed25519 over one envelope's leaf bytes. */
export const plainAlgorithm = "ed25519-v2";

/** Ed25519 over the root of the tree that the leaf is in. */
export const treeAlgorithm = "ed25519-v2-tree";

/** Sequences are counted in numbers, so that they stay exact: 1 to 2^53 - 1. */
export const sequenceMax = Number.MAX_SAFE_INTEGER;
