import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import {
  type IdentityPaths,
  identityFiles,
  identityPaths,
  initIdentity,
  loadSigner,
  loadTrustMap,
} from "../../src/identity/index.ts";
import { generateCertificate } from "../../src/tasks/certs-gen.ts";
import { removeTrust } from "../../src/tasks/trust-change.ts";

const nowMs = Date.now();
const message = new Uint8Array([1, 2, 3]);
let paths: IdentityPaths;

beforeEach(async () => {
  paths = identityPaths(mkdtempSync(join(tmpdir(), "amoskys-gen-")));
  await initIdentity(paths, { agent: "agent", nowMs });
});
afterEach(() => rmSync(paths.home, { recursive: true, force: true }));

const trust = () => loadTrustMap(paths.trustMap, { home: paths.home });
const refusal = (made: Promise<unknown>): Promise<AmoskysError> =>
  made.then(
    () => {
      throw new Error("it was made");
    },
    (caught: AmoskysError) => caught,
  );

describe("generateCertificate", () => {
  test("makes an agent that the trust map knows, and whose signatures hold", async () => {
    const made = await generateCertificate(paths, "web-1", nowMs);
    expect(made).toMatchObject({ trusted: true, finished: false });
    const signer = loadSigner({ seedPath: identityFiles(paths, "web-1").seed, agent: "web-1" });
    expect(trust().verifySignature("web-1", message, signer.sign(message), "ever")).toBe(true);
    expect([...(trust().entries.get("web-1")?.permissions ?? [])]).toEqual(["publish"]);
    expect([...trust().entries.keys()]).toEqual(["agent", "operator", "web-1"]);
  });

  test("makes no trust map where there is none", async () => {
    unlinkSync(paths.trustMap);
    expect((await generateCertificate(paths, "web-1", nowMs)).trusted).toBe(false);
    expect(existsSync(paths.trustMap)).toBe(false);
  });

  test("renews a certificate that was moved away, and leaves the trust map as it is", async () => {
    const before = readFileSync(paths.trustMap, "utf8");
    const old = readFileSync(identityFiles(paths, "agent").cert, "utf8");
    for (const path of [identityFiles(paths, "agent").cert, identityFiles(paths, "agent").key]) unlinkSync(path);
    expect((await generateCertificate(paths, "agent", nowMs)).trusted).toBe(true);
    expect(readFileSync(identityFiles(paths, "agent").cert, "utf8")).not.toBe(old);
    expect(readFileSync(paths.trustMap, "utf8")).toBe(before);
  });

  test("makes the operator's certificate again, and trusts it as before", async () => {
    removeTrust(paths, "operator");
    const { cert, key } = identityFiles(paths, "operator");
    for (const path of [cert, key]) unlinkSync(path);
    expect((await generateCertificate(paths, "operator", nowMs)).files).toEqual([cert, key]);
    expect([...(trust().entries.get("operator")?.permissions ?? [])]).toEqual(["subscribe", "status"]);
  });

  test("refuses a name that is trusted with a key from elsewhere, before anything is made", async () => {
    writeFileSync(paths.trustMap, "agents: {web-1: certs/agent.ed25519.pub}");
    const error = await refusal(generateCertificate(paths, "web-1", nowMs));
    expect([error.code, error.hint]).toEqual(["identity_invalid", "amoskys trust remove web-1"]);
    expect(existsSync(identityFiles(paths, "web-1").cert)).toBe(false);
  });

  test("refuses where the trust map is broken, before anything is made", async () => {
    writeFileSync(paths.trustMap, "agents: {");
    expect((await refusal(generateCertificate(paths, "web-1", nowMs))).code).toBe("identity_invalid");
    expect(existsSync(identityFiles(paths, "web-1").cert)).toBe(false);
  });

  test("refuses names that are none, and those of files that belong to no agent", async () => {
    for (const name of ["../x", "", "server", "ca", "bus"]) {
      expect((await refusal(generateCertificate(paths, name, nowMs))).code).toBe("usage");
    }
  });
});
