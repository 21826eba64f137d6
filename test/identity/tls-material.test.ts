import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { loadTlsMaterial, parseCertificates, parsePrivateKey, type TlsPaths } from "../../src/identity/tls-material.ts";

let folder: string;
// certificates that openssl makes begin at the second in which it is asked
const nowMs = Date.now() + 60_000;
const dayMs = 86_400_000;
const at = (name: string) => join(folder, name);
const pathsOf = (name: string): TlsPaths => ({ ca: at("ca.crt"), cert: at(`${name}.crt`), key: at(`${name}.key`) });

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

/** A certificate as the first generation's scripts made them: X.509 v1, no extensions; with any kind of key. */
function issue(name: string, key: readonly string[], ...extra: string[]): void {
  openssl(
    "req",
    "-new",
    "-newkey",
    ...key,
    "-nodes",
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    "/CN=a",
  );
  const signer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
  openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-days", "10", "-sha256", "-out", `${name}.crt`, ...extra);
  chmodSync(at(`${name}.key`), 0o600);
}

function refusal(paths: TlsPaths, options: { nowMs?: number; allowGroupRead?: boolean } = {}): string {
  try {
    loadTlsMaterial(paths, { nowMs, ...options });
  } catch (caught) {
    const error = caught as AmoskysError;
    expect([error.code, error.exitStatus]).toEqual(["identity_invalid", 12]);
    return error.message;
  }
  throw new Error("it was loaded");
}

const p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-tls-"));
  openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "20",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=ca",
  );
  issue("p256", p256);
  issue("rsa2048", ["rsa:2048"]);
  issue("rsa1024", ["rsa:1024"]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("loadTlsMaterial", () => {
  test.each(["p256", "rsa2048"])("loads an old certificate (X.509 v1) with a key of %s", (name) => {
    const material = loadTlsMaterial(pathsOf(name), { nowMs });
    expect(material.cert).toBe(readFileSync(at(`${name}.crt`), "utf8"));
    expect(material.key).toBe(readFileSync(at(`${name}.key`), "utf8"));
    expect(material.ca).toBe(readFileSync(at("ca.crt"), "utf8"));
  });

  test.each([
    ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
    ["Ed25519", ["ed25519"]],
  ])("loads one with a key of %s", (_kind, key) => {
    issue("other", key);
    expect(loadTlsMaterial(pathsOf("other"), { nowMs }).cert).toContain("BEGIN CERTIFICATE");
  });

  test("refuses weak and unusual keys", () => {
    expect(refusal(pathsOf("rsa1024"))).toContain("has an RSA key of 1024 bits; 2048 are the least");
    issue("koblitz", ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"]);
    expect(refusal(pathsOf("koblitz"))).toContain("has a key of an unknown kind; use ECDSA P-256");
  });

  test("refuses a weak authority", () => {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:1024",
      "-nodes",
      "-keyout",
      "weak.key",
      "-out",
      "weak.crt",
      "-subj",
      "/CN=ca",
    );
    expect(refusal({ ...pathsOf("p256"), ca: at("weak.crt") })).toContain("has an RSA key of 1024 bits");
  });

  test("refuses what is out of date, of either side", () => {
    expect(refusal(pathsOf("p256"), { nowMs: nowMs + 11 * dayMs })).toContain("p256.crt ended ");
    expect(refusal(pathsOf("p256"), { nowMs: nowMs - dayMs })).toContain("p256.crt begins only ");
    expect(refusal(pathsOf("p256"), { nowMs: nowMs - dayMs })).toContain("is the clock of this host right?");
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "1",
      "-keyout",
      "s.key",
      "-out",
      "s.crt",
      "-subj",
      "/CN=s",
    );
    expect(refusal({ ...pathsOf("p256"), ca: at("s.crt") }, { nowMs: nowMs + 2 * dayMs })).toContain("s.crt ended ");
  });

  test("one authority in date is enough while one follows another", () => {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "1",
      "-keyout",
      "s.key",
      "-out",
      "s.crt",
      "-subj",
      "/CN=s",
    );
    writeFileSync(at("both.crt"), readFileSync(at("s.crt"), "utf8") + readFileSync(at("ca.crt"), "utf8"));
    const options = { nowMs: nowMs + 2 * dayMs };
    expect(loadTlsMaterial({ ...pathsOf("p256"), ca: at("both.crt") }, options).ca).toContain("BEGIN CERTIFICATE");
  });

  test("refuses a key of another certificate, a locked one, and what is none", () => {
    expect(refusal({ ...pathsOf("p256"), key: at("rsa2048.key") })).toContain("does not belong to the certificate");
    openssl("pkey", "-in", "p256.key", "-aes256", "-passout", "pass:x", "-out", "locked.key");
    expect(refusal({ ...pathsOf("p256"), key: at("locked.key") })).toContain("is locked with a passphrase");
    expect(refusal({ ...pathsOf("p256"), key: at("p256.crt") })).toContain("can be used by others");
    writeFileSync(at("text.key"), "hello", { mode: 0o600 });
    expect(refusal({ ...pathsOf("p256"), key: at("text.key") })).toContain("is no private key in PEM");
    expect(refusal({ ...pathsOf("p256"), key: at("none.key") })).toContain("does not exist");
  });

  test("refuses a key that others can read, unless their group may", () => {
    chmodSync(at("p256.key"), 0o644);
    expect(refusal(pathsOf("p256"))).toContain("can be used by others (mode 0644)");
    chmodSync(at("p256.key"), 0o640);
    expect(refusal(pathsOf("p256"))).toContain("can be used by others (mode 0640)");
    expect(loadTlsMaterial(pathsOf("p256"), { nowMs, allowGroupRead: true }).key).toContain("PRIVATE KEY");
    chmodSync(at("p256.key"), 0o600);
  });

  test("refuses broken and missing certificates", () => {
    writeFileSync(at("cut.crt"), readFileSync(at("p256.crt"), "utf8").slice(0, 200));
    expect(refusal({ ...pathsOf("p256"), cert: at("cut.crt") })).toContain("holds a certificate that cannot be read");
    expect(refusal({ ...pathsOf("p256"), cert: at("p256.key") })).toContain("holds no certificate");
    expect(refusal({ ...pathsOf("p256"), ca: at("none.crt") })).toContain("none.crt does not exist");
    writeFileSync(at("large.crt"), "x".repeat(300_000));
    expect(refusal({ ...pathsOf("p256"), ca: at("large.crt") })).toContain("is 300000 bytes, more than");
  });
});

test("parseCertificates reads chains in their order, parsePrivateKey every common form", () => {
  const chain = readFileSync(at("p256.crt"), "utf8") + readFileSync(at("ca.crt"), "utf8");
  expect(parseCertificates(chain, "chain").map((each) => each.subject)).toEqual(["CN=a", "CN=ca"]);
  openssl("ec", "-in", "p256.key", "-out", "sec1.key");
  expect(readFileSync(at("sec1.key"), "utf8")).toContain("BEGIN EC PRIVATE KEY");
  expect(parsePrivateKey(readFileSync(at("sec1.key")), "k").asymmetricKeyType).toBe("ec");
  openssl("rsa", "-in", "rsa2048.key", "-traditional", "-out", "pkcs1.key");
  expect(parsePrivateKey(readFileSync(at("pkcs1.key")), "k").asymmetricKeyType).toBe("rsa");
});
