import { describe, expect, test } from "bun:test";
import { type IdentityCode, judgePeer, type PeerFacts } from "../../src/identity/judge-peer.ts";
import { type Permission, type TrustEntry, TrustMap } from "../../src/identity/trust-map.ts";

const entry = (name: string, over: Partial<TrustEntry> = {}): TrustEntry => ({
  name,
  keys: [],
  permissions: new Set<Permission>(["publish"]),
  rateLimit: undefined,
  legacy: undefined,
  notBeforeMs: undefined,
  notAfterMs: undefined,
  revokedAtMs: undefined,
  ...over,
});

const trust = new TrustMap([
  entry("agent"),
  entry("operator", { permissions: new Set<Permission>(["subscribe", "status"]) }),
  entry("gone", { revokedAtMs: 500 }),
  entry("later", { notBeforeMs: 2000 }),
  entry("over", { notAfterMs: 500 }),
]);
const peer: PeerFacts = { name: "agent", notBeforeMs: 0, notAfterMs: 5000, clientUse: true };

function codeOf(facts: Partial<PeerFacts>, permission: Permission = "publish", nowMs = 1000): IdentityCode | "ok" {
  const verdict = judgePeer({ ...peer, ...facts }, permission, trust, nowMs);
  return verdict.ok ? "ok" : verdict.code;
}

describe("judgePeer", () => {
  test("lets in whom the trust map names, for what it names", () => {
    const verdict = judgePeer(peer, "publish", trust, 1000);
    expect(verdict).toEqual({ ok: true, entry: trust.entries.get("agent") as TrustEntry });
    expect(codeOf({ name: "operator" }, "subscribe")).toBe("ok");
    expect(codeOf({ name: "operator" }, "status")).toBe("ok");
  });

  test.each([
    ["no single name", { name: undefined }, "unknown_agent"],
    ["a name that is not there", { name: "web-1" }, "unknown_agent"],
    ["a name of every object", { name: "constructor" }, "unknown_agent"],
    ["a certificate that is no client's", { clientUse: false }, "not_permitted"],
    ["a certificate that ended", { notAfterMs: 999 }, "expired"],
    ["a certificate that has not begun", { notBeforeMs: 1001 }, "expired"],
    ["an end that cannot be read", { notAfterMs: Number.NaN }, "expired"],
    ["a begin that cannot be read", { notBeforeMs: Number.NaN }, "expired"],
    ["an entry that was revoked", { name: "gone" }, "revoked"],
    ["a revoked entry whose certificate ended too", { name: "gone", notAfterMs: 1 }, "revoked"],
    ["an entry that has not begun", { name: "later" }, "expired"],
    ["an entry that is over", { name: "over" }, "expired"],
    ["a permission that is missing", { name: "operator" }, "not_permitted"],
  ] as const)("refuses %s", (_what, facts, code) => {
    expect(codeOf(facts)).toBe(code);
  });

  test("judges at the moment of the call", () => {
    expect(codeOf({ name: "gone" }, "publish", 499)).toBe("ok");
    expect(codeOf({ name: "gone" }, "publish", 500)).toBe("revoked");
    expect(codeOf({ notAfterMs: 1000 })).toBe("ok");
    expect(codeOf({ name: "later" }, "publish", 2000)).toBe("ok");
  });

  test("says in one line what is wrong, with the name", () => {
    const verdict = judgePeer({ ...peer, name: "web-1" }, "publish", trust, 1000);
    expect(verdict).toEqual({ ok: false, code: "unknown_agent", reason: "web-1 is not in the trust map" });
  });
});
