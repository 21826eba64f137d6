import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { formatPublicKey } from "../../src/identity/public-key.ts";
import { createSigner } from "../../src/identity/signer.ts";
import { loadTrustMap, readTrustFile, trustHome } from "../../src/identity/trust-file.ts";

const message = new Uint8Array([1, 2, 3]);
const signerOf = (number: number) => createSigner("a", new Uint8Array(32).fill(number));
let home: string;
let path: string;

function write(text: string): void {
  writeFileSync(path, text);
}

function writeKey(name: string, number: number): void {
  writeFileSync(join(home, "certs", name), formatPublicKey(signerOf(number).publicKey));
}

function refusal(): AmoskysError {
  try {
    loadTrustMap(path);
  } catch (caught) {
    expect((caught as AmoskysError).code).toBe("identity_invalid");
    return caught as AmoskysError;
  }
  throw new Error("it was loaded");
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-trust-"));
  path = join(home, "config", "trust_map.yaml");
  mkdirSync(join(home, "config"));
  mkdirSync(join(home, "certs"));
  writeKey("a.pub", 1);
  writeKey("b.pub", 2);
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

describe("loadTrustMap", () => {
  test("loads the keys that the entries name, relative to the home", () => {
    write("agents:\n  a: certs/a.pub\n  b: {keys: [certs/b.pub, certs/a.pub]}\n");
    const trust = loadTrustMap(path);
    expect(trust.verifySignature("a", message, signerOf(1).sign(message), "ever")).toBe(true);
    expect(trust.verifySignature("a", message, signerOf(2).sign(message), "ever")).toBe(false);
    expect(trust.verifySignature("b", message, signerOf(2).sign(message), "ever")).toBe(true);
    expect(trust.entries.get("b")?.keys.map((key) => key.path)).toEqual(["certs/b.pub", "certs/a.pub"]);
  });

  test("takes absolute paths, and another home", () => {
    write(`agents: {a: ${join(home, "certs", "a.pub")}}`);
    expect(loadTrustMap(path).hasKey("a", "ever")).toBe(true);
    write("agents: {a: a.pub}");
    expect(loadTrustMap(path, { home: join(home, "certs") }).hasKey("a", "ever")).toBe(true);
  });

  test("fails closed where the map is missing, no file, cut or empty", () => {
    expect(refusal().message).toBe(`${path} does not exist`);
    mkdirSync(path);
    expect(refusal().message).toContain("is no regular file");
    rmSync(path, { recursive: true });
    for (const text of ["", "agents:", "agents: {a: certs/a.pub"]) {
      write(text);
      refusal();
    }
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]));
    expect(refusal().message).toContain("is not UTF-8 text");
  });

  test("names every key that is missing, weak or no key", () => {
    writeFileSync(join(home, "certs", "weak.pub"), formatPublicKey(new Uint8Array(32)));
    writeFileSync(join(home, "certs", "text.pub"), "hello");
    write("agents: {a: certs/a.pub, b: certs/none.pub, c: certs/weak.pub, d: certs/text.pub, e: certs}");
    const error = refusal();
    expect(error.details.problems).toEqual([
      `agents.b: ${join(home, "certs/none.pub")} does not exist`,
      expect.stringContaining("low order"),
      `agents.d: ${join(home, "certs/text.pub")} is no PEM public key`,
      `agents.e: ${join(home, "certs")} is no regular file`,
    ]);
    expect(error.message).toContain("has 4 problems");
  });

  test("refuses a map, a key or a folder that everybody can write", () => {
    write("agents: {a: certs/a.pub}");
    chmodSync(path, 0o666);
    expect(refusal().message).toBe(`${path} can be written by everybody`);
    chmodSync(path, 0o644);
    chmodSync(join(home, "certs", "a.pub"), 0o646);
    expect(refusal().message).toContain("a.pub can be written by everybody");
    chmodSync(join(home, "certs", "a.pub"), 0o644);
    chmodSync(join(home, "config"), 0o777);
    expect(refusal().message).toContain("config can be written by everybody");
    chmodSync(join(home, "config"), 0o1777);
    expect(loadTrustMap(path).hasKey("a", "ever")).toBe(true);
  });

  const corpora = process.env.AMOSKYS_CORPORA ?? "";
  const old = join(corpora, "old-files", "trust_map.yaml");
  test.skipIf(!existsSync(old))("a map of the first generation loads unchanged (AMOSKYS_CORPORA)", () => {
    copyFileSync(old, path);
    writeKey("agent.ed25519.pub", 3);
    const trust = loadTrustMap(path);
    expect([...trust.entries.keys()]).toEqual(["agent-dev-001"]);
    expect(trust.verifySignature("agent-dev-001", message, signerOf(3).sign(message), "ever")).toBe(true);
  });
});

describe("readTrustFile", () => {
  test("its digest changes with the text and with each key, and only then", () => {
    write("agents: {a: certs/a.pub, b: certs/b.pub}");
    const before = readTrustFile(path);
    expect(before.files).toEqual([path, join(home, "certs/a.pub"), join(home, "certs/b.pub")]);
    writeKey("a.pub", 1);
    expect(readTrustFile(path).digest).toBe(before.digest);
    writeKey("a.pub", 7);
    expect(readTrustFile(path).digest).not.toBe(before.digest);
    writeKey("a.pub", 1);
    write("agents: {a: certs/a.pub, b: certs/b.pub} ");
    expect(readTrustFile(path).digest).not.toBe(before.digest);
    unlinkSync(join(home, "certs/b.pub"));
    expect(() => readTrustFile(path)).toThrow("b.pub does not exist");
  });
});

test("trustHome is the folder above config, else the map's own", () => {
  expect(trustHome("/srv/home/config/trust_map.yaml")).toBe("/srv/home");
  expect(trustHome("/etc/amoskys/trust.yaml")).toBe("/etc/amoskys");
});
