import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { createSigner, type IdentityPaths, identityPaths, loadTrustMap } from "../../src/identity/index.ts";
import { formatPublicKey } from "../../src/identity/public-key.ts";
import { addTrust, removeTrust, type TrustAddition } from "../../src/tasks/trust-change.ts";

const signerOf = (number: number) => createSigner("a", new Uint8Array(32).fill(number));
const pemOf = (number: number) => formatPublicKey(signerOf(number).publicKey);
const message = new Uint8Array([1, 2, 3]);
let paths: IdentityPaths;

beforeEach(() => {
  paths = identityPaths(mkdtempSync(join(tmpdir(), "amoskys-add-")));
});
afterEach(() => rmSync(paths.home, { recursive: true, force: true }));

const trust = () => loadTrustMap(paths.trustMap, { home: paths.home });

function add(name: string, over: Partial<TrustAddition> = {}) {
  const key = { pem: pemOf(1), path: undefined };
  return addTrust(paths, { name, key, permissions: undefined, rateLimit: undefined, legacy: undefined, ...over });
}

function refusal(act: () => unknown): AmoskysError {
  const before = existsSync(paths.trustMap) ? readFileSync(paths.trustMap, "utf8") : undefined;
  try {
    act();
  } catch (caught) {
    const after = existsSync(paths.trustMap) ? readFileSync(paths.trustMap, "utf8") : undefined;
    expect(after).toBe(before as string);
    return caught as AmoskysError;
  }
  throw new Error("it was done");
}

describe("addTrust", () => {
  test("enters a key that lies in the home from then on", () => {
    const added = add("web-1", { permissions: ["publish", "subscribe"], rateLimit: 100, legacy: "signed" });
    expect(added).toMatchObject({ name: "web-1", keyPath: "certs/web-1.ed25519.pub" });
    const entry = trust().entries.get("web-1");
    expect(entry).toMatchObject({ rateLimit: 100, legacy: "signed" });
    expect([...(entry?.permissions ?? [])]).toEqual(["publish", "subscribe"]);
    expect(entry?.keys[0]?.fingerprint).toBe(added.fingerprint as string);
    expect(trust().verifySignature("web-1", message, signerOf(1).sign(message), "ever")).toBe(true);
  });

  test("one after another, and a file in the home is named where it lies", () => {
    mkdirSync(join(paths.home, "keys"));
    writeFileSync(join(paths.home, "keys", "two.pub"), pemOf(2));
    add("one");
    const added = add("two", { key: { pem: pemOf(2), path: join(paths.home, "keys", "two.pub") } });
    expect(added.keyPath).toBe("keys/two.pub");
    expect([...trust().entries.keys()]).toEqual(["one", "two"]);
  });

  test("nobody twice, and no key for two names", () => {
    add("web-1");
    const twice = refusal(() => add("web-1", { key: { pem: pemOf(2), path: undefined } }));
    expect([twice.code, twice.hint]).toEqual(["identity_invalid", "amoskys trust remove web-1"]);
    const shared = refusal(() => add("web-2"));
    expect(shared.code).toBe("identity_invalid");
    expect(shared.message).toBe("The key for web-2 is that of web-1 already");
  });

  test("no weak key, no other text, no bad name", () => {
    const weak = refusal(() => add("w", { key: { pem: formatPublicKey(new Uint8Array(32)), path: "w.pub" } }));
    expect([weak.code, weak.message.includes("low order")]).toEqual(["identity_invalid", true]);
    expect(refusal(() => add("w", { key: { pem: "hello", path: undefined } })).message).toBe(
      "The key is no PEM public key",
    );
    for (const name of ["", "a b", "../x", "__proto__", "x".repeat(65)]) {
      expect(refusal(() => add(name)).code).toBe("usage");
    }
    expect(existsSync(paths.trustMap)).toBe(false);
  });

  test("a key is needed by who may publish, but not by who only looks or is old", () => {
    expect(refusal(() => add("w", { key: undefined })).code).toBe("usage");
    add("operator", { key: undefined, permissions: ["subscribe", "status"] });
    add("old", { key: undefined, legacy: "unsigned" });
    expect([...trust().entries.values()].map(({ keys }) => keys.length)).toEqual([0, 0]);
  });

  test("a broken map stays as it is", () => {
    mkdirSync(join(paths.home, "config"));
    for (const text of ["agents: {", "", "agents: {a: 7}", "agents: {a: certs/none.pub}"]) {
      writeFileSync(paths.trustMap, text);
      expect(refusal(() => add("web-1")).code).toBe("identity_invalid");
    }
  });

  test("a comment in the file stays", () => {
    mkdirSync(join(paths.home, "config"));
    writeFileSync(paths.trustMap, "# ours\nagents:\n  operator: {permissions: [status]} # looks\n");
    add("web-1");
    removeTrust(paths, "web-1");
    expect(readFileSync(paths.trustMap, "utf8")).toBe("# ours\nagents:\n  operator: {permissions: [status]} # looks\n");
  });
});

describe("removeTrust", () => {
  test("takes a name out and leaves its key", () => {
    add("web-1");
    add("web-2", { key: { pem: pemOf(2), path: undefined } });
    removeTrust(paths, "web-1");
    expect([...trust().entries.keys()]).toEqual(["web-2"]);
    expect(existsSync(join(paths.certs, "web-1.ed25519.pub"))).toBe(true);
    removeTrust(paths, "web-2");
    expect(trust().entries.size).toBe(0);
    add("web-1");
  });

  test("refuses a name that is not there, and a map that is not there", () => {
    expect(refusal(() => removeTrust(paths, "web-1")).code).toBe("identity_invalid");
    add("web-1");
    expect(refusal(() => removeTrust(paths, "web-2")).hint).toBe("amoskys trust list");
    expect(refusal(() => removeTrust(paths, "__proto__")).code).toBe("identity_invalid");
  });
});

// each in a process of its own, as people and scripts run them
test("additions at the same time are all there", async () => {
  const module = resolve(import.meta.dir, "../../src/tasks/trust-change.ts");
  const addOne = `
    const { addTrust } = await import(${JSON.stringify(module)});
    const [paths, name, pem] = [JSON.parse(process.argv[1]), process.argv[2], process.argv[3]];
    const rest = { permissions: undefined, rateLimit: undefined, legacy: undefined };
    try { addTrust(paths, { name, key: { pem, path: undefined }, ...rest }); console.log("added"); }
    catch (error) { console.log(error.code); }`;
  const children = Array.from({ length: 6 }, (_, n) =>
    Bun.spawn([process.execPath, "-e", addOne, JSON.stringify(paths), `web-${n}`, pemOf(n + 1)], {
      stdout: "pipe",
      stderr: "inherit",
    }),
  );
  const said = await Promise.all(children.map(async (child) => (await new Response(child.stdout).text()).trim()));
  expect(said).toEqual(Array(6).fill("added"));
  expect([...trust().entries.keys()].sort()).toEqual(children.map((_child, n) => `web-${n}`));
});
