import { concatBytes } from "../core/bytes.ts";
import { FieldCursor } from "./field-cursor.ts";

/**
 * The bytes of the fields to keep, in the order they came; a view where that is all of them. For bytes that were
 * scanned before: what cannot be read as fields is left out.
 */
export function keepFields(bytes: Uint8Array, keep: (field: number) => boolean): Uint8Array {
  const cursor = new FieldCursor(bytes, false);
  const parts: Uint8Array[] = [];
  let from = 0;
  let to = 0;
  while (cursor.next()) {
    if (!keep(cursor.field)) {
      if (to > from) parts.push(bytes.subarray(from, to));
      from = cursor.end;
    }
    to = cursor.end;
  }
  if (to > from) parts.push(bytes.subarray(from, to));
  return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(parts);
}
