import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import assignments from "oui-data";
import { hardwareVendor } from "../../src/data/oui.ts";

const table = assignments as Readonly<Record<string, string>>;
const registry = "IEEE Registration Authority";

/** As the package itself says: the longest prefix, and the first line. */
function expected(digits: string): string | undefined {
  for (const length of [9, 7, 6]) {
    const name = table[digits.slice(0, length)]?.split("\n")[0]?.trim().slice(0, 80);
    if (name && name !== registry) return name;
  }
  return undefined;
}

describe("hardwareVendor", () => {
  test("says for every prefix of the registries what they say", () => {
    const prefixes = Object.keys(table);
    expect(prefixes.length).toBeGreaterThan(50_000);
    const wrong = prefixes.filter((prefix) => {
      const digits = prefix.padEnd(12, "0");
      return hardwareVendor(digits) !== expected(digits);
    });
    expect(wrong).toEqual([]);
  });

  test("is right beside the ends of a prefix, and takes every way of writing", () => {
    for (const digits of [
      "8C1F64FF9FFF",
      "8C1F64FFA000",
      "00000A000000",
      "B827EBFFFFFF",
      "FFFFFFFFFFFF",
      "0200000000FF",
    ]) {
      expect([digits, hardwareVendor(digits)]).toEqual([digits, expected(digits)]);
    }
    expect(["b8:27:eb:0:0:1", "b8-27-EB-00-00-01", "b827.eb00.0001", "nonsense", ""].map(hardwareVendor)).toEqual([
      undefined,
      "Raspberry Pi Foundation",
      "Raspberry Pi Foundation",
      undefined,
      undefined,
    ]);
  });

  test("takes well under a megabyte", () => {
    expect(statSync("src/data/oui-table.txt").size).toBeLessThan(500_000);
  });
});
