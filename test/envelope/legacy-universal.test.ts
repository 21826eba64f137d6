import { describe, expect, test } from "bun:test";
import { legacyUniversalJudgedBytes, legacyUniversalSignedBytes } from "../../src/envelope/index.ts";
import { long, universalType } from "./universal-arbitrary.ts";
import { joinFields, splitFields } from "./wire.ts";

const message = {
  version: "v1",
  ts_ns: long(5n),
  idempotency_key: "k",
  process: { pid: long(1n) },
  prev_sig: Uint8Array.of(9),
  retry_count: 2,
  requires_acknowledgment: true,
};
const encode = (changes: object) => new Uint8Array(universalType.encode({ ...message, ...changes }).finish());

describe("legacyUniversalSignedBytes", () => {
  test("is what was received without the signature", () => {
    expect(legacyUniversalSignedBytes(encode({ sig: new Uint8Array(64) }))).toEqual(encode({}));
    expect(legacyUniversalSignedBytes(encode({}))).toEqual(encode({}));
  });

  test("keeps the order in which the fields came", () => {
    const reversed = splitFields(encode({ sig: new Uint8Array(64) })).toReversed();
    const unsigned = reversed.filter((field) => field.number !== 8);
    expect(legacyUniversalSignedBytes(joinFields(reversed))).toEqual(joinFields(unsigned));
  });
});

describe("legacyUniversalJudgedBytes", () => {
  test("is the same for every try of a sender that signs each one again", () => {
    const tries = [1, 2, 3].map((n) => encode({ sig: new Uint8Array(64).fill(n), retry_count: n }));
    for (const bytes of tries) expect(legacyUniversalJudgedBytes(bytes)).toEqual(encode({ retry_count: undefined }));
  });

  test("differs where anything else differs", () => {
    expect(legacyUniversalJudgedBytes(encode({ priority: "HIGH" }))).not.toEqual(
      legacyUniversalJudgedBytes(encode({})),
    );
  });
});
