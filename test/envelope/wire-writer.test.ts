import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fieldSize, varint64Size, varintSize, WireWriter } from "../../src/envelope/wire-writer.ts";
import { bytesField, varint } from "./wire.ts";

describe("WireWriter", () => {
  test("writes varints in their shortest form, of the size that was foretold", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.maxSafeInteger().filter((n) => n >= 0),
        (large, small) => {
          const wide = new WireWriter(varint64Size(large));
          wide.varint64(large);
          expect(wide.bytes).toEqual(varint(large));
          const narrow = new WireWriter(varintSize(small));
          narrow.varint(small);
          expect(narrow.bytes).toEqual(varint(small));
        },
      ),
      { seed: 3, numRuns: 500 },
    );
  });

  test.each([0n, 127n, 128n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 63n, 2n ** 64n - 1n])(
    "%p on the edges of its groups",
    (value) => {
      const writer = new WireWriter(varint64Size(value));
      writer.varint64(value);
      expect(writer.bytes).toEqual(varint(value));
    },
  );

  test("writes fields of bytes, of the size that was foretold", () => {
    for (const length of [0, 1, 127, 128, 16_384]) {
      const writer = new WireWriter(fieldSize(100, length));
      writer.field(100, new Uint8Array(length));
      expect(writer.bytes).toEqual(bytesField(100, new Uint8Array(length)).bytes);
    }
  });

  test("writes 16 hexadecimal digits", () => {
    for (const value of [0, 1, 255, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const writer = new WireWriter(16);
      writer.hex16(value);
      expect(Buffer.from(writer.bytes).toString("latin1")).toBe(value.toString(16).padStart(16, "0"));
    }
  });
});
