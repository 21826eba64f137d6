import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AmoskysError } from "../../src/core/errors.ts";
import { isTrustName, parseTrustDocument } from "../../src/identity/trust-document.ts";

function problemsOf(text: string): string[] {
  try {
    parseTrustDocument(text, "trust_map.yaml");
  } catch (caught) {
    expect(caught).toBeInstanceOf(AmoskysError);
    const error = caught as AmoskysError;
    expect(error.code).toBe("identity_invalid");
    expect(error.message).toStartWith("trust_map.yaml");
    expect(error.message).not.toMatch(/[\u0000-\u001f]/);
    return (error.details.problems as string[] | undefined) ?? [error.message];
  }
  throw new Error("it was taken");
}

const one = (text: string) => parseTrustDocument(text, "trust_map.yaml")[0];

describe("parseTrustDocument", () => {
  test("the old form: a path for each name", () => {
    const text = "agents:\n  agent-dev-001: certs/agent.ed25519.pub\n  # add more agents here\n";
    expect(parseTrustDocument(text, "f")).toEqual([
      {
        name: "agent-dev-001",
        keys: [
          { path: "certs/agent.ed25519.pub", notBeforeMs: undefined, notAfterMs: undefined, revokedAtMs: undefined },
        ],
        permissions: new Set(["publish"] as const),
        rateLimit: undefined,
        legacy: undefined,
        notBeforeMs: undefined,
        notAfterMs: undefined,
        revokedAtMs: undefined,
      },
    ]);
  });

  test("the newer form: path, permissions, rate", () => {
    const entry = one("agents: {web: {public_key_path: k.pub, permissions: [publish, subscribe], rate_limit: 100}}");
    expect(entry?.keys.map((key) => key.path)).toEqual(["k.pub"]);
    expect([...(entry?.permissions ?? [])]).toEqual(["publish", "subscribe"]);
    expect(entry?.rateLimit).toBe(100);
  });

  test("ours: several keys with their times, legacy, times of the entry", () => {
    const entry = one(`
agents:
  web:
    keys:
      - a.pub
      - public_key_path: b.pub
        not_before: 2026-01-31T12:00:00Z
        not_after: "2027-01-31"
        revoked_at: 2026-06-01T00:00:00+02:00
    legacy: unsigned
    permissions: [status]
    not_before: 2026-01-01
    not_after: 2028-02-29T00:00:00.500Z
    revoked_at: 2027-01-01 00:00:00Z
`);
    expect(entry?.keys).toEqual([
      { path: "a.pub", notBeforeMs: undefined, notAfterMs: undefined, revokedAtMs: undefined },
      {
        path: "b.pub",
        notBeforeMs: Date.UTC(2026, 0, 31, 12),
        notAfterMs: Date.UTC(2027, 0, 31),
        revokedAtMs: Date.UTC(2026, 4, 31, 22),
      },
    ]);
    expect(entry?.legacy).toBe("unsigned");
    expect(entry?.notBeforeMs).toBe(Date.UTC(2026, 0, 1));
    expect(entry?.notAfterMs).toBe(Date.UTC(2028, 1, 29) + 500);
    expect(entry?.revokedAtMs).toBe(Date.UTC(2027, 0, 1));
  });

  test("nobody is trusted where the list is empty, and an entry may have no key where it publishes nothing", () => {
    expect(parseTrustDocument("agents: {}", "f")).toEqual([]);
    expect(one("agents: {operator: {permissions: [subscribe, status]}}")?.keys).toEqual([]);
    expect(one("agents: {old: {legacy: unsigned}}")?.keys).toEqual([]);
    expect(one("agents: {web: {public_key_path: k, rate_limit: 0}}")?.rateLimit).toBeUndefined();
  });

  test("all problems at once, each with its path and the nearest name", () => {
    expect(
      problemsOf(`
agent: {}
agents:
  web: {public_key_path: k, permisions: [publish]}
  two: {public_key_path: "", permissions: [publsh, delete], rate_limit: fast, legacy: sometimes}
  three: {permissions: publish}
  four: 7
  five: {keys: [{path: x, not_after: tomorrow}]}
  "six seven": k
  eight: {public_key_path: k, not_before: 2027-01-01, not_after: 2026-01-01}
  nine: {}
`),
    ).toEqual([
      "agent is unknown; did you mean agents?",
      "agents.web.permisions is unknown; did you mean permissions?",
      "agents.two.public_key_path must be the path of a public key file",
      "agents.two.permissions[0] is unknown; did you mean publish?",
      "agents.two.permissions[1] must be one of publish, subscribe, status",
      "agents.two.rate_limit must be a number of events a second, 0 for no limit",
      "agents.two.legacy must be one of none, signed, unsigned",
      "agents.three.permissions must be a list of publish, subscribe, status",
      "agents.four must be a map",
      "agents.five.keys[0].path is unknown",
      "agents.five.keys[0].public_key_path must be the path of a public key file",
      "agents.five.keys[0].not_after must be a time such as 2026-01-31T12:00:00Z",
      "agents.six seven is no name of an agent ([A-Za-z0-9._-], at most 64)",
      "agents.eight ends (not_after) before it begins (not_before)",
      "agents.nine may publish but names no key (public_key_path or keys)",
    ]);
  });

  test("a message stays one line of bearable length", () => {
    const many = Array.from({ length: 500 }, (_, n) => `  a${n}: 7`).join("\n");
    const error = (() => {
      try {
        parseTrustDocument(`agents:\n${many}\n`, "f");
      } catch (caught) {
        return caught as AmoskysError;
      }
    })();
    expect(error?.message).toContain("f has 500 problems: agents.a0 must be a map;");
    expect(error?.message).toEndWith("; and 490 more");
    expect(error?.details.problems).toHaveLength(500);
  });

  test.each(["2026-02-30", "2026-13-01", "2026-01-31T25:00:00Z", "2026-01-31T12:00:00", "7d", "now", "true", "1"])(
    "%s is no time",
    (text) => {
      expect(problemsOf(`agents: {a: {public_key_path: k, revoked_at: "${text}"}}`)[0]).toContain("must be a time");
      expect(problemsOf(`agents: {a: {public_key_path: k, revoked_at: ${text}}}`)[0]).toContain("must be a time");
    },
  );

  test.each([
    ["nothing", ""],
    ["a cut file", "agents:\n  web: {public_key_path: k"],
    ["no map", "[]"],
    ["no agents", "{}"],
    ["agents without a value", "agents:"],
    ["a list of agents", "agents: [a, b]"],
    ["one name twice", "agents:\n  a: k\n  a: l\n"],
    ["two documents", "agents: {}\n---\nagents: {}\n"],
    ["code", "agents: !!js/function 'x'"],
    ["a merge", "agents:\n  a: &a {public_key_path: k}\n  b:\n    <<: *a\n"],
    ["deep nesting", `agents: ${"[".repeat(5000)}`],
    ["a document of 2 MiB", `agents: {}\n#${"x".repeat(1 << 21)}`],
  ])("refuses %s", (_what, text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0);
  });

  test("refuses aliases, few and many, at once", () => {
    expect(problemsOf("agents:\n  a: &a {public_key_path: k}\n  b: *a\n")).toEqual([
      "agents.b is a YAML alias, which a trust map may not use",
    ]);
    expect(problemsOf("agents:\n  a: {keys: &k [x]}\n  b: {keys: *k}\n")[0]).toContain("is a YAML alias");
    const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n},`.repeat(9)}]`).join("\n");
    const start = performance.now();
    problemsOf(`l0: &l0 [x]\n${levels}\nagents: *l9\n`);
    expect(performance.now() - start).toBeLessThan(500);
  });

  test("refuses names that every object carries, and keeps its own objects clean", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(isTrustName(name)).toBe(false);
      expect(problemsOf(`agents:\n  ${name}: k\n`)[0]).toContain("is no name of an agent");
    }
    problemsOf("agents: {a: {__proto__: {public_key_path: k}}}");
    expect(({} as Record<string, unknown>).public_key_path).toBeUndefined();
  });

  test("control characters in a document reach no message", () => {
    const [problem] = problemsOf('agents: {"a\\e[31mb": k}');
    expect(problem).toContain("\\x1b");
  });

  test("any document gives entries or one identity_invalid, never another error", () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant("publish"));
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        scalar,
        fc.array(tie("node"), { maxLength: 4 }),
        fc.dictionary(
          fc.oneof(fc.string(), fc.constantFrom("agents", "keys", "public_key_path", "permissions", "not_after")),
          tie("node"),
          { maxKeys: 4 },
        ),
      ),
    }));
    fc.assert(
      fc.property(node, (agents) => {
        try {
          parseTrustDocument(JSON.stringify({ agents }), "f");
        } catch (caught) {
          expect((caught as AmoskysError).code).toBe("identity_invalid");
        }
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        try {
          parseTrustDocument(text, "f");
        } catch (caught) {
          expect((caught as AmoskysError).code).toBe("identity_invalid");
        }
      }),
      { numRuns: 300 },
    );
  });
});
