import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { matchesPattern } from "../../src/core/name-pattern.ts";

describe("matchesPattern", () => {
  test.each([
    ["nginx", "nginx", true],
    ["nginx", "nginx2", false],
    ["veth*", "veth0", true],
    ["veth*", "veth", true],
    ["*/bin/*", "/usr/bin/sh", true],
    ["py?hon*", "python3", true],
    ["?", "", false],
    ["*", "", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-b-b-d", false],
    ["a.c", "abc", false],
  ] as const)("%s and %s: %p", (pattern, name, fits) => {
    expect(matchesPattern(pattern, name)).toBe(fits);
  });

  test("agrees with a regular expression of the same meaning", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 10 });
    fc.assert(
      fc.property(pattern, name, (p, n) => {
        const peer = new RegExp(`^${p.replaceAll("?", "[^]").replaceAll("*", "[^]*")}$`);
        expect(matchesPattern(p, n)).toBe(peer.test(n));
      }),
    );
  });

  test("a pattern of many stars comes to an end", () => {
    expect(matchesPattern(`${"*a".repeat(120)}*b`, "a".repeat(4096))).toBe(false);
  });
});
