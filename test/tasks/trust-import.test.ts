import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { createSigner, type IdentityPaths, identityPaths, loadTrustMap } from "../../src/identity/index.ts";
import { formatPublicKey } from "../../src/identity/public-key.ts";
import { importTrust } from "../../src/tasks/trust-import.ts";

const signerOf = (number: number) => createSigner("a", new Uint8Array(32).fill(number));
const message = new Uint8Array([1, 2, 3]);
let root: string;
let paths: IdentityPaths;
let old: string;

/** A home of the first generation with two keys. */
function oldMap(text: string): string {
  writeFileSync(join(root, "old", "config", "trust_map.yaml"), text);
  return join(root, "old", "config", "trust_map.yaml");
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "amoskys-import-"));
  paths = identityPaths(join(root, "home"));
  for (const folder of ["home", "old/config", "old/certs"]) mkdirSync(join(root, folder), { recursive: true });
  for (const number of [1, 2]) {
    writeFileSync(join(root, "old", "certs", `${number}.pub`), formatPublicKey(signerOf(number).publicKey));
  }
  old = oldMap(`agents:
  agent-dev-001: certs/1.pub
  snmp: {public_key_path: certs/2.pub, permissions: [publish, subscribe], rate_limit: 100}
`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const trust = () => loadTrustMap(paths.trustMap, { home: paths.home });
const ours = (text: string) => {
  mkdirSync(join(paths.home, "config"), { recursive: true });
  writeFileSync(paths.trustMap, text);
};

describe("importTrust", () => {
  test("takes over names, keys, permissions and rates, and what they may send of old", () => {
    expect(importTrust(paths, old, "signed")).toEqual({
      added: ["agent-dev-001", "snmp"],
      changed: [],
      same: [],
      sharedKeys: [],
    });
    rmSync(join(root, "old"), { recursive: true });
    expect(trust().verifySignature("agent-dev-001", message, signerOf(1).sign(message), "ever")).toBe(true);
    expect(trust().verifySignature("snmp", message, signerOf(2).sign(message), "ever")).toBe(true);
    expect(trust().entries.get("snmp")).toMatchObject({ rateLimit: 100, legacy: "signed" });
    expect([...(trust().entries.get("snmp")?.permissions ?? [])]).toEqual(["publish", "subscribe"]);
  });

  test("twice is as good as once", () => {
    importTrust(paths, old, "signed");
    const before = readFileSync(paths.trustMap, "utf8");
    expect(importTrust(paths, old, "signed")).toMatchObject({
      added: [],
      changed: [],
      same: ["agent-dev-001", "snmp"],
    });
    expect(readFileSync(paths.trustMap, "utf8")).toBe(before);
  });

  test("lets the names of the home's own map go on, and leaves what they say themselves", () => {
    mkdirSync(paths.certs);
    writeFileSync(join(paths.certs, "a.pub"), formatPublicKey(signerOf(1).publicKey));
    ours(`agents:
  a: certs/a.pub
  b: {public_key_path: certs/a.pub, legacy: none}
  operator: {permissions: [status]}
`);
    expect(importTrust(paths, paths.trustMap, undefined)).toMatchObject({ changed: [], same: ["a", "b", "operator"] });
    const found = importTrust(paths, paths.trustMap, "unsigned");
    expect(found).toEqual({ added: [], changed: ["a"], same: ["b", "operator"], sharedKeys: [["a", "b"]] });
    expect([...trust().entries.values()].map(({ name, legacy }) => [name, legacy]).sort()).toEqual([
      ["a", "unsigned"],
      ["b", "none"],
      ["operator", undefined],
    ]);
  });

  test("keeps several keys and times", () => {
    const file = oldMap(`agents:
  a:
    keys: [certs/1.pub, {public_key_path: certs/2.pub, not_before: 2026-01-01}]
    revoked_at: 2030-01-01T00:00:00Z
`);
    importTrust(paths, file, undefined);
    const entry = trust().entries.get("a");
    expect(entry?.keys.map(({ path, notBeforeMs }) => [path, notBeforeMs])).toEqual([
      ["certs/a.ed25519.pub", undefined],
      ["certs/a.2.ed25519.pub", Date.UTC(2026, 0, 1)],
    ]);
    expect([entry?.revokedAtMs, entry?.legacy]).toEqual([Date.UTC(2030, 0, 1), undefined]);
  });

  test("refuses other keys for a name that is here, and changes nothing", () => {
    mkdirSync(paths.certs);
    writeFileSync(join(paths.certs, "x.pub"), formatPublicKey(signerOf(9).publicKey));
    ours("agents: {snmp: certs/x.pub}");
    let error: AmoskysError | undefined;
    try {
      importTrust(paths, old, "signed");
    } catch (caught) {
      error = caught as AmoskysError;
    }
    expect([error?.code, error?.hint]).toEqual(["identity_invalid", "amoskys trust remove snmp"]);
    expect(error?.message).toContain("has other keys than this home for snmp; nothing was changed");
    expect(readFileSync(paths.trustMap, "utf8")).toBe("agents: {snmp: certs/x.pub}");
  });

  test("refuses a map that is broken, missing, or of which a key is missing or weak", () => {
    writeFileSync(join(root, "old", "certs", "weak.pub"), formatPublicKey(new Uint8Array(32)));
    for (const text of ["agents: {", "agents: {a: certs/none.pub}", "agents: {a: certs/1.pub, b: certs/weak.pub}"]) {
      expect(() => importTrust(paths, oldMap(text), "signed")).toThrow("trust_map.yaml");
    }
    expect(() => importTrust(paths, join(root, "none.yaml"), "signed")).toThrow("There is no file");
    expect(existsSync(paths.trustMap)).toBe(false);
    expect(existsSync(paths.certs)).toBe(false);
  });
});
