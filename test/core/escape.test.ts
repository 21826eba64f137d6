import { describe, expect, test } from "bun:test";
import { printable } from "../../src/core/escape.ts";

describe("printable", () => {
  test("shows what a terminal would obey", () => {
    expect(printable("a\u001b[31mred\u0007\nb\u009b2J")).toBe("a\\x1b[31mred\\x07\\x0ab\\x9b2J");
    expect(printable("invoice\u202egpj.exe")).toBe("invoice\\u{202e}gpj.exe");
  });

  test("leaves text alone", () => {
    expect(printable("Grüße, 世界 🙂")).toBe("Grüße, 世界 🙂");
  });
});
