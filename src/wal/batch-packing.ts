import type { AppendBatch } from "./append-batch.ts";

/** A batch whose bytes lie in one buffer, which crosses to another thread without being copied. */
export interface PackedBatch {
  /** The batch, with offset and length in the buffer instead of bytes. */
  readonly batch: unknown;
  readonly buffer: ArrayBuffer;
}

interface Span {
  readonly at: number;
  readonly length: number;
}

/** Every byte string of a batch through `change`, everything else as it is. */
function mapBytes<From, To>(batch: AppendBatch, change: (bytes: From) => To): unknown {
  const map = (bytes: Uint8Array): To => change(bytes as unknown as From);
  return {
    ...batch,
    groups: batch.groups.map((group) => ({ ...group, sig: map(group.sig), prevSig: map(group.prevSig) })),
    records: batch.records.map((record) => ({
      ...record,
      bytes: map(record.bytes),
      judgedDigest: record.judgedDigest && map(record.judgedDigest),
    })),
    heads: batch.heads.map((head) => ({ ...head, lastSig: map(head.lastSig) })),
  };
}

/**
 * Copies the bytes of a batch into one buffer. They are often views into larger buffers, which a structured clone would
 * copy whole, each of them, and a transfer would take away from whoever else looks into them.
 */
export function packBatch(batch: AppendBatch): PackedBatch {
  let total = 0;
  mapBytes<Uint8Array, void>(batch, (bytes) => {
    total += bytes.length;
  });
  const buffer = new ArrayBuffer(total);
  const all = new Uint8Array(buffer);
  let at = 0;
  const packed = mapBytes<Uint8Array, Span>(batch, (bytes) => {
    all.set(bytes, at);
    at += bytes.length;
    return { at: at - bytes.length, length: bytes.length };
  });
  return { batch: packed, buffer };
}

/** The batch again, as views into the buffer. */
export function unpackBatch({ batch, buffer }: PackedBatch): AppendBatch {
  const unpacked = mapBytes<Span, Uint8Array>(batch as AppendBatch, (span) => {
    return new Uint8Array(buffer, span.at, span.length);
  });
  return unpacked as AppendBatch;
}
