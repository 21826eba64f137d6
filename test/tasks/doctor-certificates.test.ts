import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BaseConfig, baseSections } from "../../src/config/index.ts";
import { identityPaths, initIdentity } from "../../src/identity/index.ts";
import { checkHomeCertificates } from "../../src/tasks/doctor-certificates.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-doctor-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const nowMs = Date.now();
const dayMs = 86_400_000;
const config = Object.fromEntries(
  Object.entries(baseSections).map(([name, section]) => [name, section.parse(undefined)]),
) as BaseConfig;

describe("doctor: certificates", () => {
  test("none yet is a warning with the way to them; then they are counted, and the first to end is named", async () => {
    expect(await checkHomeCertificates(root, config, nowMs)).toMatchObject({
      status: "warn",
      hint: "amoskys up, or amoskys certs init",
    });
    await initIdentity(identityPaths(root), { agent: "agent", hosts: [], nowMs });
    const check = await checkHomeCertificates(root, config, nowMs);
    expect(check).toMatchObject({
      status: "ok",
      found: expect.stringMatching(/^\d+, the first to end is \w+ on 20\d\d-/),
    });
    expect(Date.parse(String(check.figures?.first_ends))).toBeGreaterThan(nowMs + 30 * dayMs);
  });

  test("what is wrong with them is a failure", async () => {
    const late = await checkHomeCertificates(root, config, nowMs + 100 * 365 * dayMs);
    expect(late).toMatchObject({ status: "fail", code: "identity_invalid", found: expect.stringContaining("more") });
    rmSync(join(root, "certs/ca.crt"));
    expect(await checkHomeCertificates(root, config, nowMs)).toMatchObject({
      status: "fail",
      code: "identity_invalid",
    });
  });
});
