import { isAgentName } from "../core/agent-name.ts";
import { AmoskysError } from "../core/errors.ts";
import { FieldCursor, wireTypes } from "./field-cursor.ts";
import { envelopesPerCallMax, treeBytesMax, treeLeavesMax } from "./limits.ts";
import type { SealedGroup } from "./seal.ts";
import { bytesOf, textOf } from "./text.ts";
import { fieldSize, WireWriter } from "./wire-writer.ts";

/** A PublishTreeRequest taken apart; leaves and sig are views into it. */
export type SplitTree =
  | { readonly ok: true; readonly agent: string; readonly leaves: Uint8Array[]; readonly sig: Uint8Array }
  | { readonly ok: false; readonly reason: string };

/** A PublishEnvelopesRequest taken apart; envelopes are views into it. */
export type SplitEnvelopes =
  | { readonly ok: true; readonly envelopes: Uint8Array[] }
  | { readonly ok: false; readonly reason: string };

/**
 * A serialized amoskys.v1.PublishTreeRequest. Throws `internal` for a group of one: that is no tree, it travels as
 * an envelope.
 */
export function encodePublishTree({ agent, leaves, sig }: SealedGroup): Uint8Array {
  if (leaves.length < 2) throw new AmoskysError("internal", "A group of one leaf is no tree: publish its envelope");
  const name = bytesOf(agent);
  const length = fieldSize(1, name.length) + fieldsSize(2, leaves) + fieldSize(3, sig.length);
  const writer = new WireWriter(length);
  writer.field(1, name);
  for (const leaf of leaves) writer.field(2, leaf);
  writer.field(3, sig);
  return writer.bytes;
}

/** A serialized amoskys.v1.PublishEnvelopesRequest. */
export function encodePublishEnvelopes(envelopes: readonly Uint8Array[]): Uint8Array {
  const writer = new WireWriter(fieldsSize(1, envelopes));
  for (const envelope of envelopes) writer.field(1, envelope);
  return writer.bytes;
}

/** Takes a PublishTreeRequest apart: 2 to 512 leaves of at most 1 MiB in all, a valid name, a signature of 64 bytes. */
export function splitTree(bytes: Uint8Array): SplitTree {
  const leaves: Uint8Array[] = [];
  let agent = "";
  let sig: Uint8Array | undefined;
  let leafBytes = 0;
  const reason = eachBytesField(bytes, (field, value) => {
    if (field === 1) agent = value.length <= 64 ? textOf(value) : "";
    else if (field === 3) sig = value;
    else if (field === 2) {
      leafBytes += value.length;
      if (leaves.push(value) > treeLeavesMax) return `more than ${treeLeavesMax} leaves`;
      if (leafBytes > treeBytesMax) return `more than ${treeBytesMax} bytes of leaves`;
    }
    return undefined;
  });
  if (reason) return { ok: false, reason };
  if (!isAgentName(agent)) return { ok: false, reason: "the tree's agent is no valid name" };
  if (leaves.length < 2) return { ok: false, reason: "a tree has at least 2 leaves: one alone is an envelope" };
  if (sig?.length !== 64) return { ok: false, reason: "the tree carries no signature of 64 bytes" };
  return { ok: true, agent, leaves, sig };
}

/** Takes a PublishEnvelopesRequest apart: 1 to 512 envelopes. */
export function splitEnvelopes(bytes: Uint8Array): SplitEnvelopes {
  const envelopes: Uint8Array[] = [];
  const reason = eachBytesField(bytes, (field, value) =>
    field === 1 && envelopes.push(value) > envelopesPerCallMax
      ? `more than ${envelopesPerCallMax} envelopes`
      : undefined,
  );
  if (reason) return { ok: false, reason };
  return envelopes.length > 0 ? { ok: true, envelopes } : { ok: false, reason: "no envelopes" };
}

function fieldsSize(number: number, values: readonly Uint8Array[]): number {
  let size = 0;
  for (const value of values) size += fieldSize(number, value.length);
  return size;
}

/** Calls back for each field that holds bytes; ends with the first reason given, or with why it cannot be read. */
function eachBytesField(
  bytes: Uint8Array,
  onField: (field: number, value: Uint8Array) => string | undefined,
): string | undefined {
  const cursor = new FieldCursor(bytes, false);
  while (cursor.next()) {
    if (cursor.wireType !== wireTypes.bytes) continue;
    const reason = onField(cursor.field, cursor.value());
    if (reason) return reason;
  }
  return cursor.fault ? cursor.reason : undefined;
}
