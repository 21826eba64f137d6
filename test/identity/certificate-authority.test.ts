import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CertificateWithKey,
  createAuthority,
  isHostName,
  issueCertificate,
} from "../../src/identity/certificate-authority.ts";

const dayMs = 86_400_000;
// certificates that openssl makes begin at the second in which it is asked
const nowMs = Date.now() + 60_000;
let folder: string;
let authority: CertificateWithKey;
let server: CertificateWithKey;
let client: CertificateWithKey;

const at = (name: string) => join(folder, name);

function openssl(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
  return { status, text: stdout + stderr };
}

/** What `openssl x509 -text` says, for extensions the runtime does not show. */
function textOf(certificate: CertificateWithKey): string {
  writeFileSync(at("shown.crt"), certificate.cert);
  return openssl("x509", "-in", "shown.crt", "-noout", "-text").text;
}

function verifies(certificate: CertificateWithKey, ca: string, ...options: string[]): string {
  writeFileSync(at("leaf.crt"), certificate.cert);
  writeFileSync(at("leaf-ca.crt"), ca);
  const { status, text } = openssl("verify", "-x509_strict", ...options, "-CAfile", "leaf-ca.crt", "leaf.crt");
  return status === 0 ? "ok" : text;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-authority-"));
  authority = await createAuthority(nowMs);
  const hosts = ["bus.example.org", "*.example.net", "localhost", "127.0.0.1", "::1", "127.0.0.1"];
  server = await issueCertificate(authority, { use: "server", name: "AMOSKYS bus", hosts }, nowMs);
  client = await issueCertificate(authority, { use: "client", name: "web_1.x-Y" }, nowMs);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("certificates of our own authority", () => {
  test("openssl takes each for its own use, strictly", () => {
    expect(verifies(server, authority.cert, "-purpose", "sslserver")).toBe("ok");
    expect(verifies(client, authority.cert, "-purpose", "sslclient")).toBe("ok");
    expect(verifies(authority, authority.cert)).toBe("ok");
    expect(verifies(server, authority.cert, "-verify_hostname", "bus.example.org")).toBe("ok");
    expect(verifies(server, authority.cert, "-verify_ip", "::1")).toBe("ok");
  });

  test("and for no other", () => {
    expect(verifies(server, authority.cert, "-purpose", "sslclient")).toContain("unsuitable certificate purpose");
    expect(verifies(client, authority.cert, "-purpose", "sslserver")).toContain("unsuitable certificate purpose");
    expect(verifies(server, authority.cert, "-verify_hostname", "bus.example.com")).toContain("mismatch");
  });

  test("a leaf issues nothing", async () => {
    const beneath = await issueCertificate(client, { use: "client", name: "beneath" }, nowMs);
    writeFileSync(at("between.crt"), client.cert);
    const result = verifies(beneath, authority.cert, "-untrusted", "between.crt");
    expect(result).toMatch(/invalid CA certificate/i);
  });

  test("the authority is one, with the extensions that say so", () => {
    const text = textOf(authority);
    expect(text).toContain("X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0");
    expect(text).toContain("X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign");
    expect(text).toContain("X509v3 Subject Key Identifier");
    expect(text).toContain("ASN1 OID: prime256v1");
    expect(new X509Certificate(authority.cert).ca).toBe(true);
  });

  test("leaves are none, and name the authority's key", () => {
    const keyOf = (text: string, name: string) =>
      text.split(`X509v3 ${name} Key Identifier`)[1]?.match(/[0-9A-F:]{59}/)?.[0];
    for (const leaf of [server, client]) {
      const text = textOf(leaf);
      expect(text).toContain("CA:FALSE");
      expect(text).toContain("X509v3 Key Usage: critical\n                Digital Signature\n");
      expect(keyOf(text, "Authority")).toBe(keyOf(textOf(authority), "Subject") as string);
    }
    expect(textOf(server)).toContain("TLS Web Server Authentication");
    expect(textOf(client)).toContain("TLS Web Client Authentication");
    expect(textOf(client)).toContain("Subject: CN = web_1.x-Y\n");
    expect(new X509Certificate(server.cert).subjectAltName).toBe(
      "DNS:bus.example.org, DNS:*.example.net, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
  });

  test("dates: begun an hour ago, ten years and 825 days, and never beyond the authority", async () => {
    const days = ({ cert }: CertificateWithKey) => {
      const { validFrom, validTo } = new X509Certificate(cert);
      return [(nowMs - Date.parse(validFrom)) / 3_600_000, (Date.parse(validTo) - nowMs) / dayMs].map(Math.round);
    };
    expect(days(authority)).toEqual([1, 3650]);
    expect(days(server)).toEqual([1, 825]);
    const late = nowMs + 3000 * dayMs;
    const last = await issueCertificate(authority, { use: "client", name: "late" }, late);
    expect(new X509Certificate(last.cert).validTo).toBe(new X509Certificate(authority.cert).validTo);
    const tooLate = issueCertificate(authority, { use: "client", name: "late" }, nowMs + 3651 * dayMs);
    expect(tooLate).rejects.toThrow("The authority's certificate ended");
  });

  test("serial numbers are positive, long and all different", async () => {
    const more = await Promise.all(
      Array.from({ length: 20 }, (_, n) => issueCertificate(authority, { use: "client", name: `a${n}` }, nowMs)),
    );
    const serials = [authority, server, client, ...more].map(({ cert }) => new X509Certificate(cert).serialNumber);
    expect(new Set(serials).size).toBe(23);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test("refuses what is no host", () => {
    for (const host of ["", "a b", "host:50051", "-a", "a..b", "https://x", "x".repeat(64), "\u0000", "a\nb"]) {
      const issued = issueCertificate(authority, { use: "server", name: "s", hosts: [host] }, nowMs);
      expect(issued).rejects.toThrow("is no host name and no IP address");
      expect(isHostName(host)).toBe(false);
    }
  });
});

describe("authorities made elsewhere", () => {
  const configuration = (identifier: string) => `[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
subjectKeyIdentifier = ${identifier}
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
`;

  test.each([
    ["RSA", ["rsa:2048"], "hash"],
    ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], "hash"],
    ["P-521", ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], "hash"],
    ["Ed25519", ["ed25519"], "hash"],
    ["another way to name its key", ["rsa:2048"], "0102030405"],
  ])("%s issues what openssl takes, strictly", async (_kind, key, identifier) => {
    writeFileSync(at("o.cnf"), configuration(identifier));
    const self = ["req", "-x509", "-config", "o.cnf", "-newkey", ...key, "-nodes", "-days", "3000"];
    expect(openssl(...self, "-keyout", "o.key", "-out", "o.crt", "-subj", "/O=Example/CN=Old CA").status).toBe(0);
    const old = { cert: readFileSync(at("o.crt"), "utf8"), key: readFileSync(at("o.key"), "utf8") };
    const leaf = await issueCertificate(old, { use: "client", name: "web-1" }, nowMs);
    expect(verifies(leaf, old.cert, "-purpose", "sslclient")).toBe("ok");
  });

  test("one of X.509 v1 issues what openssl takes", async () => {
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "v.key", "-out", "v.csr", "-subj", "/CN=v");
    openssl("x509", "-req", "-in", "v.csr", "-signkey", "v.key", "-days", "3000", "-out", "v.crt");
    const old = { cert: readFileSync(at("v.crt"), "utf8"), key: readFileSync(at("v.key"), "utf8") };
    expect(openssl("x509", "-in", "v.crt", "-noout", "-text").text).toContain("Version: 1");
    const leaf = await issueCertificate(old, { use: "client", name: "web-1" }, nowMs);
    writeFileSync(at("leaf.crt"), leaf.cert);
    expect(openssl("verify", "-purpose", "sslclient", "-CAfile", "v.crt", "leaf.crt").text).toBe("leaf.crt: OK\n");
  });

  test("a key that is another's, or too weak, issues nothing", async () => {
    const other = await createAuthority(nowMs);
    const wrong = issueCertificate({ cert: authority.cert, key: other.key }, { use: "client", name: "a" }, nowMs);
    expect(wrong).rejects.toThrow("key does not belong to its certificate");
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "w.key", "-out", "w.crt", "-subj", "/CN=w");
    const weak = { cert: readFileSync(at("w.crt"), "utf8"), key: readFileSync(at("w.key"), "utf8") };
    expect(issueCertificate(weak, { use: "client", name: "a" }, nowMs)).rejects.toThrow("1024 bits");
  });
});
