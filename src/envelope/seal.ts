import { AmoskysError } from "../core/errors.ts";
import type { EventKind } from "../core/event.ts";
import { leafHash, treeRoot } from "../core/merkle.ts";
import type { LossFacts, ParkedFacts } from "./facts.ts";
import { leafBytesMax, plainAlgorithm, sequenceMax, treeAlgorithm, treeBytesMax, treeLeavesMax } from "./limits.ts";
import { lossBytes, parkedBytes } from "./record-bytes.ts";
import type { Signer } from "./signature.ts";
import { plainMessage, treeMessage } from "./signed-messages.ts";
import { bytesOf } from "./text.ts";
import { fieldSize, varint64Size, varintSize, WireWriter } from "./wire-writer.ts";

/** What an envelope is about. */
export type LeafBody =
  | { readonly kind: EventKind; readonly payload: Uint8Array; readonly synthetic?: boolean }
  | { readonly kind: "loss"; readonly loss: LossFacts }
  | { readonly kind: "parked"; readonly parked: ParkedFacts };

/** An event that waits for its sequence. */
export interface LeafInput {
  /** Nanoseconds since the Unix epoch. */
  readonly tsNs: bigint;
  readonly body: LeafBody;
}

/** One group commit, sealed: leaves in order of sequence under one signature. A group of one is plain ed25519-v2. */
export interface SealedGroup {
  readonly agent: string;
  readonly epoch: string;
  readonly firstSequence: number;
  /** Views into one buffer. */
  readonly leaves: Uint8Array[];
  readonly sig: Uint8Array;
  readonly prevSig: Uint8Array;
}

/** What is sealed, and where it goes on. */
export interface SealInput {
  /** 16 hexadecimal digits, not all of them 0. */
  readonly epoch: string;
  readonly firstSequence: number;
  /** The signature before in this epoch; empty for the first. */
  readonly prevSig: Uint8Array;
  /** 1 to 512, at most 1 MiB once they are written. */
  readonly leaves: readonly LeafInput[];
}

const payloadFields: Readonly<Record<LeafBody["kind"], number>> = {
  flow: 4,
  process: 5,
  device: 6,
  loss: 103,
  parked: 105,
};

/** version "2": the first field of every leaf. */
const versionField = Uint8Array.of(0x0a, 0x01, 0x32);

/**
 * Writes the leaf bytes of a group, canonical, and signs them once: alone by itself, several by the root of their tree.
 * Throws `internal` where the caller gathered what no envelope can hold.
 */
export function sealGroup(input: SealInput, signer: Signer): SealedGroup {
  const { epoch, firstSequence, prevSig, leaves: inputs } = input;
  assertSealable(input);
  const tree = inputs.length > 1;
  const middle = middleBytes(prevSig, tree ? treeAlgorithm : plainAlgorithm, signer.agent, epoch);
  const epochText = bytesOf(`${epoch}.`);
  const bodies = inputs.map(({ body }) => bodyBytes(body));
  const sizes = inputs.map((leaf, i) =>
    leafSize(leaf, (bodies[i] as Uint8Array).length, firstSequence + i, middle.length),
  );
  const writer = new WireWriter(sizes.reduce((sum, size) => sum + size, 0));
  const leaves: Uint8Array[] = [];
  let offset = 0;
  for (const [i, leaf] of inputs.entries()) {
    writeLeaf(writer, leaf, bodies[i] as Uint8Array, firstSequence + i, epochText, middle);
    const size = sizes[i] as number;
    leaves.push(writer.bytes.subarray(offset, offset + size));
    offset += size;
  }
  assertFits(sizes, offset);
  const message = tree
    ? treeMessage(signer.agent, leaves.length, treeRoot(leaves.map(leafHash)))
    : plainMessage(signer.agent, leaves[0] as Uint8Array);
  return { agent: signer.agent, epoch, firstSequence, leaves, sig: signer.sign(message), prevSig };
}

function assertSealable({ epoch, firstSequence, prevSig, leaves }: SealInput): void {
  if (!/^[0-9a-f]{16}$/.test(epoch) || epoch === "0".repeat(16)) {
    throw new AmoskysError("internal", `Cannot seal: "${epoch}" is no epoch`);
  }
  if (leaves.length < 1 || leaves.length > treeLeavesMax) {
    throw new AmoskysError("internal", `Cannot seal: ${leaves.length} leaves, a group has 1 to ${treeLeavesMax}`);
  }
  if (!Number.isSafeInteger(firstSequence) || firstSequence < 1 || firstSequence > sequenceMax - leaves.length + 1) {
    throw new AmoskysError("internal", `Cannot seal: ${firstSequence} begins outside the sequences 1 to 2^53 - 1`);
  }
  if (prevSig.length !== 0 && prevSig.length !== 64) {
    throw new AmoskysError("internal", `Cannot seal: a previous signature of ${prevSig.length} bytes`);
  }
}

function assertFits(sizes: readonly number[], total: number): void {
  const largest = Math.max(...sizes);
  if (largest > leafBytesMax) {
    throw new AmoskysError("internal", `Cannot seal: a leaf of ${largest} bytes, at most ${leafBytesMax} fit`);
  }
  if (sizes.length > 1 && total > treeBytesMax) {
    throw new AmoskysError("internal", `Cannot seal: a tree of ${total} bytes, at most ${treeBytesMax} fit`);
  }
}

function bodyBytes(body: LeafBody): Uint8Array {
  if (body.kind === "loss") return lossBytes(body.loss);
  return body.kind === "parked" ? parkedBytes(body.parked) : body.payload;
}

/** Fields 9 to 101, the same in every leaf of a group. */
function middleBytes(prevSig: Uint8Array, algorithm: string, agent: string, epoch: string): Uint8Array {
  const agentBytes = bytesOf(agent);
  const algorithmBytes = bytesOf(algorithm);
  const chained = prevSig.length > 0 ? fieldSize(9, prevSig.length) : 0;
  const writer = new WireWriter(
    chained + fieldSize(10, algorithmBytes.length) + fieldSize(100, agentBytes.length) + varintSize(101 * 8) + 8,
  );
  if (chained > 0) writer.field(9, prevSig);
  writer.field(10, algorithmBytes);
  writer.field(100, agentBytes);
  writer.varint(101 * 8 + 1);
  writer.raw(Uint8Array.fromHex(epoch).reverse());
  return writer.bytes;
}

function isSynthetic(body: LeafBody): boolean {
  return "synthetic" in body && body.synthetic === true;
}

function leafSize({ tsNs, body }: LeafInput, bodyLength: number, sequence: number, middleLength: number): number {
  const stamp = tsNs === 0n ? 0 : 1 + varint64Size(tsNs);
  const synthetic = isSynthetic(body) ? 3 : 0;
  const record = fieldSize(payloadFields[body.kind], bodyLength);
  return versionField.length + stamp + fieldSize(3, 33) + record + middleLength + 2 + varintSize(sequence) + synthetic;
}

function writeLeaf(
  writer: WireWriter,
  { tsNs, body }: LeafInput,
  payload: Uint8Array,
  sequence: number,
  epochText: Uint8Array,
  middle: Uint8Array,
): void {
  const field = payloadFields[body.kind];
  writer.raw(versionField);
  if (tsNs !== 0n) {
    writer.varint(2 * 8);
    writer.varint64(tsNs);
  }
  writer.varint(3 * 8 + 2);
  writer.varint(33);
  writer.raw(epochText);
  writer.hex16(sequence);
  if (field < 100) writer.field(field, payload);
  writer.raw(middle);
  writer.countField(102, sequence);
  if (field > 100) writer.field(field, payload);
  if (isSynthetic(body)) writer.countField(106, 1);
}
