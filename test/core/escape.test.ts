import { describe, expect, test } from "bun:test";
import { printable, printableJson } from "../../src/core/escape.ts";

describe("printable", () => {
  test("shows what a terminal would obey", () => {
    expect(printable("a\u001b[31mred\u0007\nb\u009b2J")).toBe("a\\x1b[31mred\\x07\\x0ab\\x9b2J");
    expect(printable("invoice\u202egpj.exe")).toBe("invoice\\u{202e}gpj.exe");
  });

  test("leaves text alone", () => {
    expect(printable("Grüße, 世界 🙂")).toBe("Grüße, 世界 🙂");
  });
});

test("printableJson leaves nothing raw that a terminal would obey, and is the same value", () => {
  const value = { name: "py\u009b31m\u202e\u007f\u001b", plain: 'Grüße, "世界" 🙂\\', nested: [{ "\u2028": 1n }] };
  const replacer = (_key: string, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner);
  const text = printableJson(value, replacer);
  expect(text).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u202e]*$/);
  expect(JSON.parse(text)).toEqual({ ...value, nested: [{ "\u2028": 1 }] });
});
