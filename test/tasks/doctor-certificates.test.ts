import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityPaths, initIdentity } from "../../src/identity/index.ts";
import { generateCertificate } from "../../src/tasks/certs-gen.ts";
import { checkHomeCertificates } from "../../src/tasks/doctor-certificates.ts";
import { removeTrust } from "../../src/tasks/trust-change.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-doctor-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const nowMs = Date.now();
const dayMs = 86_400_000;
const identity = { paths: identityPaths(root) };

describe("doctor: certificates", () => {
  test("none yet is a warning with the way to them; then they are counted, and the first to end is named", async () => {
    expect(await checkHomeCertificates(identity, nowMs)).toMatchObject({
      status: "warn",
      hint: "amoskys up, or amoskys certs init",
    });
    await initIdentity(identityPaths(root), { agent: "agent", hosts: [], nowMs });
    const check = await checkHomeCertificates(identity, nowMs);
    expect(check).toMatchObject({
      status: "ok",
      found: expect.stringMatching(/^\d+, the first to end is \w+ on 20\d\d-/),
    });
    expect(Date.parse(String(check.figures?.first_ends))).toBeGreaterThan(nowMs + 30 * dayMs);
  });

  test("what is wrong with them is a failure", async () => {
    const late = await checkHomeCertificates(identity, nowMs + 100 * 365 * dayMs);
    expect(late).toMatchObject({ status: "fail", code: "identity_invalid", found: expect.stringContaining("more") });
    rmSync(join(root, "certs/ca.crt"));
    expect(await checkHomeCertificates(identity, nowMs)).toMatchObject({
      status: "fail",
      code: "identity_invalid",
    });
  });

  test("an agent that was let in no more is a warning, which says what to do", async () => {
    const paths = identityPaths(join(root, "removed"));
    await initIdentity(paths, { agent: "agent", hosts: [], nowMs });
    await generateCertificate(paths, "web-1", nowMs);
    removeTrust(paths, "web-1");
    expect(await checkHomeCertificates({ paths }, nowMs)).toMatchObject({
      status: "warn",
      found: "web-1.crt: names web-1, which is not in the trust map",
      hint: expect.stringMatching(/^remove web-1.crt if that is meant, else: amoskys trust add web-1 /),
    });
  });
});
