import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { argumentsCutMark, parseCommandLine } from "../../src/procfs/index.ts";

const parse = (text: string | Uint8Array, lengthMax = 4096) => {
  const bytes = Buffer.from(text);
  return parseCommandLine(bytes, bytes.length, lengthMax);
};

describe("parseCommandLine", () => {
  test.each([
    ["", []],
    ["\0", [""]],
    ["sh\0-c\0true\0", ["sh", "-c", "true"]],
    ["a\0\0b\0", ["a", "", "b"]],
    ["a\0\0", ["a", ""]],
    ["nginx: worker process", ["nginx: worker process"]],
    ["rm\0new\nline\0\u001b[2J\0", ["rm", "new\nline", "\u001b[2J"]],
  ] as const)("%j", (text, args) => {
    expect(parse(text)).toEqual([...args]);
  });

  test("bytes that are no UTF-8 become U+FFFD", () => {
    expect(parse(Uint8Array.of(0x61, 0xff, 0xc3, 0, 0xe2, 0x82, 0xac, 0))).toEqual(["a\ufffd\ufffd", "\u20ac"]);
  });

  test("what is too long is cut with a mark, and not inside a character", () => {
    expect(parse("abcdef\0", 4)).toEqual(["abcd", argumentsCutMark]);
    expect(parse("ab\0cdef\0", 4)).toEqual(["ab", "c", argumentsCutMark]);
    expect(parse("abc\u20ac\0", 4)).toEqual(["abc", argumentsCutMark]);
    expect(parse("abc\u20ac\0", 7)).toEqual(["abc\u20ac"]);
  });

  test("many empty arguments stay few", () => {
    const args = parse(new Uint8Array(4000));
    expect(args.length).toBe(513);
    expect(args.at(-1)).toBe(argumentsCutMark);
  });

  test("is valid text of bounded size for any bytes, and exact for text that fits", () => {
    const anyBytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: 4, max: 128 }), (bytes, lengthMax) => {
        const args = parse(bytes, lengthMax);
        expect(args.every((arg) => arg.isWellFormed())).toBe(true);
        expect(args.join(" ").length).toBeLessThanOrEqual(lengthMax + argumentsCutMark.length + 2);
      }),
    );
    const word = fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (args) => {
        expect(parse(args.map((arg) => `${arg}\0`).join(""), 65_536)).toEqual(args);
      }),
    );
  });
});
