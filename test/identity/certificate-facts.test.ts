import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CertificateFacts, listCertificates } from "../../src/identity/certificate-facts.ts";
import { type IdentityPaths, identityPaths } from "../../src/identity/identity-home.ts";
import { initIdentity } from "../../src/identity/identity-make.ts";
import { keyFingerprint } from "../../src/identity/public-key.ts";
import { loadPublicKey } from "../../src/identity/public-key-file.ts";

const nowMs = Date.now() + 60_000;
const dayMs = 86_400_000;
let paths: IdentityPaths;

beforeEach(async () => {
  paths = identityPaths(mkdtempSync(join(tmpdir(), "amoskys-facts-")));
  await initIdentity(paths, { agent: "agent", nowMs });
});
afterEach(() => rmSync(paths.home, { recursive: true, force: true }));

const file = (name: string) => join(paths.certs, name);
const list = (atMs = nowMs) => listCertificates(paths.certs, { nowMs: atMs });

function factsOf(name: string, atMs = nowMs): CertificateFacts {
  const facts = list(atMs).find((each) => each.name === name);
  if (!facts) throw new Error(`${name} is not listed`);
  return facts;
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { cwd: paths.certs, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

describe("listCertificates", () => {
  test("shows each certificate with its use, keys and dates, the authority first", () => {
    const found = list();
    expect(found.map(({ name, use, commonName, hasKey }) => [name, use, commonName, hasKey])).toEqual([
      ["ca", "authority", expect.stringMatching(/^AMOSKYS CA [0-9a-f]{8}$/), true],
      ["agent", "client", "agent", true],
      ["operator", "client", "operator", true],
      ["server", "server", "AMOSKYS bus", true],
    ]);
    expect(found.flatMap((facts) => facts.problems)).toEqual([]);
    expect(factsOf("agent").signingKey).toBe(keyFingerprint(loadPublicKey(file("agent.ed25519.pub"))));
    expect(factsOf("operator").signingKey).toBeUndefined();
    expect(Math.round((factsOf("agent").notAfterMs - nowMs) / dayMs)).toBe(825);
    expect(factsOf("agent").issuer).toBe(`CN=${found[0]?.commonName}`);
  });

  test("of a folder that is not there, nothing", () => {
    expect(listCertificates(join(paths.home, "none"), { nowMs })).toEqual([]);
  });

  test("dates", () => {
    expect(factsOf("agent", nowMs + 826 * dayMs).problems).toEqual([expect.stringMatching(/^ended /)]);
    expect(factsOf("agent", nowMs - dayMs).problems).toEqual([expect.stringMatching(/^begins only /)]);
  });

  test("another authority", () => {
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "x.key", "-out", "ca.crt", "-subj", "/CN=x");
    expect(factsOf("agent").problems).toEqual(["was not issued by the authority in ca.crt"]);
    expect(factsOf("ca").problems).toEqual([`does not fit ${file("ca.key")}`]);
    unlinkSync(file("ca.crt"));
    expect(factsOf("agent").problems).toEqual(["was not issued by the authority in ca.crt"]);
  });

  test("one with the authority's name and another key is not its certificate", () => {
    const { commonName } = factsOf("ca");
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "x.key",
      "-out",
      "x.pem",
      "-subj",
      `/CN=${commonName}`,
    );
    openssl("req", "-new", "-key", "agent.key", "-out", "a.csr", "-subj", "/CN=agent");
    openssl("x509", "-req", "-in", "a.csr", "-CA", "x.pem", "-CAkey", "x.key", "-CAcreateserial", "-out", "agent.crt");
    expect(factsOf("agent").problems).toEqual(["was not issued by the authority in ca.crt"]);
  });

  test("a certificate between, in the same file", () => {
    writeFileSync(file("x.ext"), "basicConstraints=critical,CA:TRUE\n");
    const issue = (name: string, by: string, subject: string, ...extra: string[]) => {
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`];
      openssl("req", "-new", ...key, "-out", `${name}.csr`, "-subj", subject);
      openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        by,
        "-CAkey",
        by.replace("crt", "key"),
        ...extra,
        "-out",
        `${name}.crt`,
      );
      chmodSync(file(`${name}.key`), 0o600);
    };
    issue("between", "ca.crt", "/CN=between", "-CAcreateserial", "-extfile", "x.ext");
    issue("deep", "between.crt", "/CN=deep", "-CAcreateserial");
    expect(factsOf("deep").problems).toEqual(["was not issued by the authority in ca.crt"]);
    writeFileSync(file("deep.crt"), readFileSync(file("deep.crt"), "utf8") + readFileSync(file("between.crt"), "utf8"));
    expect(factsOf("deep").problems).toEqual([]);
    expect([factsOf("between").use, factsOf("deep").use]).toEqual(["authority", "any"]);
  });

  test("keys: another's, open to others, missing", () => {
    writeFileSync(file("agent.key"), readFileSync(file("operator.key")));
    expect(factsOf("agent").problems).toEqual([`does not fit ${file("agent.key")}`]);
    chmodSync(file("operator.key"), 0o644);
    expect(factsOf("operator").problems[0]).toContain("can be used by others (mode 0644)");
    unlinkSync(file("operator.key"));
    expect(factsOf("operator")).toMatchObject({ hasKey: false, problems: [] });
    unlinkSync(file("server.key"));
    expect(factsOf("server").problems).toEqual(["has no key beside it"]);
  });

  test("signing keys: no pair, cut, open to others", () => {
    writeFileSync(file("agent.ed25519.pub"), readFileSync(file("bus.ed25519.pub")));
    expect(factsOf("agent").problems[0]).toContain("are no pair");
    unlinkSync(file("agent.ed25519.pub"));
    expect(factsOf("agent")).toMatchObject({ problems: [], signingKey: expect.stringMatching(/^[0-9a-f]{64}$/) });
    writeFileSync(file("agent.ed25519"), new Uint8Array(31));
    expect(factsOf("agent").problems[0]).toContain("this one is 31");
    chmodSync(file("agent.ed25519"), 0o604);
    expect(factsOf("agent").problems[0]).toContain("can be used by others");
  });

  test("what cannot be read is listed with the reason", () => {
    writeFileSync(file("broken.crt"), "hello");
    expect(factsOf("broken")).toMatchObject({ commonName: undefined, notAfterMs: Number.NaN });
    expect(factsOf("broken").problems[0]).toContain("holds no certificate");
    writeFileSync(file("ca.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect(factsOf("ca").problems[0]).toContain("holds a certificate that cannot be read");
    expect(factsOf("agent").problems).toEqual(["was not issued by the authority in ca.crt"]);
  });

  test("two common names are none, and odd ones stay printable", () => {
    openssl("req", "-new", "-key", "agent.key", "-out", "a.csr", "-subj", "/CN=agent/CN=admin");
    openssl(
      "x509",
      "-req",
      "-in",
      "a.csr",
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      "agent.crt",
    );
    expect(factsOf("agent").commonName).toBeUndefined();
    openssl("req", "-new", "-key", "agent.key", "-out", "a.csr", "-subj", "/CN=a\u001b[31m\nCN=admin");
    openssl(
      "x509",
      "-req",
      "-in",
      "a.csr",
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-out",
      "agent.crt",
    );
    expect(factsOf("agent").commonName ?? "").not.toBe("admin");
  });
});
