import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FieldCursor } from "../../src/envelope/field-cursor.ts";
import { bytesField, rawField, varint } from "./wire.ts";

function only(bytes: Uint8Array, strict = true): FieldCursor {
  const cursor = new FieldCursor(bytes, strict);
  cursor.next();
  return cursor;
}

describe("FieldCursor", () => {
  test("reads every 64-bit varint exactly", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        const cursor = only(rawField(2, 0, varint(value)).bytes);
        expect(cursor.fault).toBeUndefined();
        expect(cursor.uint64()).toBe(value);
        expect(cursor.count()).toBe(value < 1n << 53n ? Number(value) : Number.POSITIVE_INFINITY);
      }),
      { seed: 2, numRuns: 1000 },
    );
  });

  test("says where a field lies", () => {
    const cursor = only(bytesField(200, Uint8Array.of(1, 2, 3)).bytes);
    expect({ ...cursor }).toMatchObject({ field: 200, wireType: 2, at: 0, start: 3, end: 6 });
    expect(cursor.value()).toEqual(Uint8Array.of(1, 2, 3));
    expect(cursor.next()).toBe(false);
    expect(cursor.fault).toBeUndefined();
  });

  test.each([
    ["11 bytes of varint", [0x10, ...new Array(10).fill(0x80), 1]],
    ["a varint over 64 bits", [0x10, ...new Array(9).fill(0xff), 2]],
    ["a tag over 32 bits", [0x80, 0x80, 0x80, 0x80, 0x10, 0]],
    ["field number 0", [0x00, 1]],
    ["a group", [0x0b, 0x0c]],
    ["wire type 6", [0x0e]],
    ["wire type 7", [0x0f]],
    ["a tag cut off", [0x80]],
    ["a varint cut off", [0x08, 0x80]],
    ["a length cut off", [0x0a, 0x80]],
    ["bytes cut off", [0x0a, 2, 0]],
    ["a length of 2^63", [0x0a, ...new Array(9).fill(0x80), 1]],
    ["8 bytes cut off", [0x09, 0, 0, 0, 0, 0, 0, 0]],
    ["4 bytes cut off", [0x0d, 0, 0, 0]],
  ])("%s is undecodable, strict or not", (_name, bytes) => {
    for (const strict of [true, false]) expect(only(Uint8Array.from(bytes), strict).fault).toBe("undecodable");
  });
});
