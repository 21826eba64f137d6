import { keepFields } from "./cut-fields.ts";

/** What the signature of an earlier agent's UniversalEnvelope covers: the bytes as received, without the field sig. */
export function legacyUniversalSignedBytes(bytes: Uint8Array): Uint8Array {
  return keepFields(bytes, (field) => field !== 8);
}

/** What a duplicate of it is judged by: without sig and retry_count, since these agents sign again on every try. */
export function legacyUniversalJudgedBytes(bytes: Uint8Array): Uint8Array {
  return keepFields(bytes, (field) => field !== 8 && field !== 15);
}
