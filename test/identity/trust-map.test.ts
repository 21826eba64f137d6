import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import nacl from "tweetnacl";
import { keyFingerprint } from "../../src/identity/public-key.ts";
import { createSigner } from "../../src/identity/signer.ts";
import { type TrustEntry, TrustMap, type Validity, validityAt } from "../../src/identity/trust-map.ts";

const always: Validity = { notBeforeMs: undefined, notAfterMs: undefined, revokedAtMs: undefined };

function entry(name: string, publicKeys: readonly Uint8Array[], validity: Partial<Validity> = {}): TrustEntry {
  const keys = publicKeys.map((publicKey) => ({
    ...always,
    publicKey,
    fingerprint: keyFingerprint(publicKey),
    path: `${name}.pub`,
  }));
  const permissions = new Set(["publish"] as const);
  return { ...always, name, keys, permissions, rateLimit: undefined, legacy: undefined, ...validity };
}

const a = createSigner("a", new Uint8Array(32).fill(1));
const b = createSigner("b", new Uint8Array(32).fill(2));
const c = createSigner("b", new Uint8Array(32).fill(3));
const message = new TextEncoder().encode("what was seen");

describe("TrustMap", () => {
  const trust = new TrustMap([entry("a", [a.publicKey]), entry("b", [b.publicKey, c.publicKey]), entry("empty", [])]);

  test("a signature counts for the one who has its key, with any of its keys", () => {
    expect(trust.verifySignature("a", message, a.sign(message), "ever")).toBe(true);
    expect(trust.verifySignature("b", message, b.sign(message), "ever")).toBe(true);
    expect(trust.verifySignature("b", message, c.sign(message), "ever")).toBe(true);
    expect(trust.verifySignature("a", message, b.sign(message), "ever")).toBe(false);
    expect(trust.verifySignature("b", message, a.sign(message), "ever")).toBe(false);
  });

  test("names that are not there, or have no key, verify nothing", () => {
    for (const name of ["c", "empty", "", "__proto__", "constructor"]) {
      expect(trust.verifySignature(name, message, a.sign(message), "ever")).toBe(false);
      expect(trust.hasKey(name, "ever")).toBe(false);
    }
    expect(trust.hasKey("a", "ever")).toBe(true);
  });

  test("every changed bit of message or signature is seen", () => {
    const sig = a.sign(message);
    for (let bit = 0; bit < 512; bit += 1) {
      const other = sig.slice();
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(trust.verifySignature("a", message, other, "ever")).toBe(false);
    }
    expect(trust.verifySignature("a", message.slice(1), sig, "ever")).toBe(false);
  });

  test("other lengths of signatures are false, not an error", () => {
    const sig = a.sign(message);
    for (const length of [0, 1, 32, 63]) {
      expect(trust.verifySignature("a", message, sig.slice(0, length), "ever")).toBe(false);
    }
    expect(trust.verifySignature("a", message, new Uint8Array([...sig, 0]), "ever")).toBe(false);
  });

  test("at a time only keys count that hold then; without one, all do", () => {
    const [old, later] = [b, c];
    const keys = entry("b", [old.publicKey, later.publicKey]).keys;
    const rotating = new TrustMap([
      {
        ...entry("b", []),
        keys: [
          { ...(keys[0] as (typeof keys)[number]), notAfterMs: 200 },
          { ...(keys[1] as (typeof keys)[number]), notBeforeMs: 100 },
        ],
      },
    ]);
    const holds = (signer: typeof old, at: number | "ever") =>
      rotating.verifySignature("b", message, signer.sign(message), at);
    expect([holds(old, 50), holds(old, 200), holds(old, 201), holds(old, "ever")]).toEqual([true, true, false, true]);
    expect([holds(later, 99), holds(later, 100), holds(later, 201), holds(later, "ever")]).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test("a revoked entry verifies nothing from then on, and still what was before", () => {
    const revoked = new TrustMap([entry("a", [a.publicKey], { revokedAtMs: 100 })]);
    expect(revoked.verifySignature("a", message, a.sign(message), 99)).toBe(true);
    expect(revoked.verifySignature("a", message, a.sign(message), 100)).toBe(false);
    expect(revoked.hasKey("a", 100)).toBe(false);
    expect(revoked.hasKey("a", 99)).toBe(true);
  });
});

test("validityAt includes both ends, and revocation goes before dates", () => {
  const validity = { notBeforeMs: 10, notAfterMs: 20, revokedAtMs: undefined };
  expect([9, 10, 20, 21].map((at) => validityAt(validity, at))).toEqual(["early", "valid", "valid", "expired"]);
  expect([4, 5, 30].map((at) => validityAt({ ...validity, revokedAtMs: 5 }, at))).toEqual([
    "early",
    "revoked",
    "revoked",
  ]);
});

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly { tcId: number; msg: string; sig: string; result: "valid" | "invalid" }[];
  }[];
}

const corpora = process.env.AMOSKYS_CORPORA;
if (!corpora) process.stderr.write("AMOSKYS_CORPORA is not set: Wycheproof is left out\n");

describe.skipIf(!corpora)("Wycheproof", () => {
  const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

  // tweetnacl does not ask whether S is below the order of the group (RFC 8032, section 5.1.7, does)
  const onlyTweetnaclTakes = [63, 64, 65, 66, 85];

  test("all 151 vectors of Ed25519; tweetnacl says the same but for malleable signatures", () => {
    const path = join(corpora as string, "crypto/wycheproof/ed25519_test.json");
    const { testGroups, numberOfTests } = JSON.parse(readFileSync(path, "utf8")) as Wycheproof;
    const [wrong, differ]: [number[], number[]] = [[], []];
    let count = 0;
    for (const { publicKey, tests } of testGroups) {
      const key = bytes(publicKey.pk);
      const trust = new TrustMap([entry("a", [key])]);
      for (const { tcId, msg, sig, result } of tests) {
        count += 1;
        const ours = trust.verifySignature("a", bytes(msg), bytes(sig), "ever");
        const theirs = sig.length === 128 && nacl.sign.detached.verify(bytes(msg), bytes(sig), key);
        if (ours !== (result === "valid")) wrong.push(tcId);
        if (ours !== theirs) differ.push(tcId);
      }
    }
    expect(wrong).toEqual([]);
    expect(differ).toEqual(onlyTweetnaclTakes);
    expect([count, numberOfTests]).toEqual([151, 151]);
  });
});
