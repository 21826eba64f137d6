import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseYaml } from "../../src/config/index.ts";
import { parseTrustDocument } from "../../src/identity/trust-document.ts";
import { addToTrustText, newTrustText, removeFromTrustText, trustTextOf } from "../../src/identity/trust-edit.ts";

const agentsOf = (text: string) => (parseYaml(text, "f") as { agents: Record<string, unknown> }).agents;

const commented = `# Our agents
agents:
  # the first one
  web-1: certs/web-1.pub   # in the cellar
  web-10:
    public_key_path: certs/web-10.pub

    permissions: [publish]

  # the last one
  "db.1":
    public_key_path: certs/db.pub

# the end
`;

describe("addToTrustText", () => {
  test("adds behind the last entry and keeps every line", () => {
    const text = addToTrustText(commented, "f", { new: { public_key_path: "n.pub", permissions: ["publish"] } });
    expect(Object.keys(agentsOf(text))).toEqual(["web-1", "web-10", "db.1", "new"]);
    expect(agentsOf(text).new).toEqual({ public_key_path: "n.pub", permissions: ["publish"] });
    for (const line of commented.split("\n")) expect(text.split("\n")).toContain(line);
    expect(text).toEndWith("\n# the end\n");
  });

  test("follows the indentation that is there", () => {
    const text = addToTrustText("agents:\n      a: k\n", "f", { b: { public_key_path: "l" } });
    expect(text).toBe("agents:\n      a: k\n      b:\n        public_key_path: l\n");
  });

  test("writes the whole anew where it is not in block style, and says that comments went", () => {
    for (const text of ["agents: {a: k} # comment\n", "agents: {}\n", '{"agents": {"a": "k"}}']) {
      const edited = addToTrustText(text, "f", { b: { public_key_path: "l" } });
      expect(edited.split("\n")[0]).toBe("# Written by amoskys trust, which could not keep the comments of before.");
      expect(agentsOf(edited)).toEqual({ ...agentsOf(text), b: { public_key_path: "l" } });
    }
  });

  test("refuses to touch a broken map", () => {
    expect(() => addToTrustText("agents:\n  a: 7\n", "f", { b: { public_key_path: "l" } })).toThrow("must be a map");
  });

  test("names and paths that YAML would take for something else stay what they are", () => {
    const entries = Object.fromEntries(
      ["null", "true", "1e5", "0x1F", "-", "~".replace("~", "yes"), "1.0"].map((name) => [
        name,
        { public_key_path: `certs/${name} #: x.pub`, permissions: ["publish"] },
      ]),
    );
    expect(agentsOf(newTrustText(entries))).toEqual(entries);
    expect(agentsOf(addToTrustText("agents:\n  a: k\n", "f", entries))).toEqual({ a: "k", ...entries });
  });
});

describe("removeFromTrustText", () => {
  test("takes out one entry and keeps every other line", () => {
    const text = removeFromTrustText(commented, "f", "web-10");
    expect(text).toBe(
      commented.replace("  web-10:\n    public_key_path: certs/web-10.pub\n\n    permissions: [publish]\n", ""),
    );
    expect(Object.keys(agentsOf(removeFromTrustText(commented, "f", "web-1")))).toEqual(["web-10", "db.1"]);
    const last = removeFromTrustText(commented, "f", "db.1");
    expect(Object.keys(agentsOf(last))).toEqual(["web-1", "web-10"]);
    expect(last).toContain("# the end");
  });

  test("a name is no pattern, and no part of another", () => {
    const text = "agents:\n  webx1: a\n  web.1: b\n  web.10: c\n";
    expect(removeFromTrustText(text, "f", "web.1")).toBe("agents:\n  webx1: a\n  web.10: c\n");
  });

  test("the last one leaves an empty list, which is a valid map", () => {
    const text = removeFromTrustText("agents:\n  a: k\n", "f", "a");
    expect(parseTrustDocument(text, "f")).toEqual([]);
  });

  test("takes entries out of lists in another style too", () => {
    expect(agentsOf(removeFromTrustText("agents: {a: k, b: l}", "f", "a"))).toEqual({ b: "l" });
    expect(agentsOf(removeFromTrustText("agents:\n  ? a\n  : k\n  b: l\n", "f", "a"))).toEqual({ b: "l" });
  });
});

test("trustTextOf says what parseTrustDocument read", () => {
  const text = `
agents:
  a: k
  b: {public_key_path: k, permissions: [publish, subscribe], rate_limit: 5, legacy: signed, not_after: 2027-01-01}
  c: {keys: [k, {public_key_path: l, not_before: 2026-01-01, revoked_at: 2026-06-01T01:02:03Z}], revoked_at: 2028-01-01}
  d: {permissions: [status]}
`;
  const entries = parseTrustDocument(text, "f");
  const again = newTrustText(Object.fromEntries(entries.map((entry) => [entry.name, trustTextOf(entry)])));
  expect(parseTrustDocument(again, "f")).toEqual(entries);
});

test("any row of additions and removals says the same as an object would", () => {
  const name = fc.constantFrom("a", "b", "web.1", "web-1", "null", "0");
  const step = fc.record({
    name,
    path: fc.string({ minLength: 1, maxLength: 8 }).filter((path) => !path.includes("\0")),
  });
  const starts = [
    commented,
    "agents: {z: k}\n",
    "agents:\n    z: k # c\n\n\n# e",
    "---\nagents:\n z:\n  public_key_path: k\n",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.array(step, { maxLength: 8 }), (start, steps) => {
      let text = start;
      const expected = { ...agentsOf(start) };
      for (const { name: each, path } of steps) {
        if (each in expected) {
          delete expected[each];
          text = removeFromTrustText(text, "f", each);
        } else {
          expected[each] = { public_key_path: path };
          text = addToTrustText(text, "f", { [each]: { public_key_path: path } });
        }
        expect(agentsOf(text)).toEqual(expected);
      }
    }),
    { numRuns: 200 },
  );
});
