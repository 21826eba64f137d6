import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { AmoskysError } from "../../src/core/errors.ts";
import { identityPaths } from "../../src/identity/index.ts";
import { examineHost, verdictOf } from "../../src/tasks/doctor.ts";
import type { DoctorCheck } from "../../src/tasks/doctor-check.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-doctor-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("doctor", () => {
  test("without a configuration it looks at all the rest by defaults, and changes nothing", async () => {
    const config = new AmoskysError("config_invalid", "eventbus.prot is unknown", { hint: "amoskys config check" });
    const checks = await examineHost({
      home: root,
      config,
      identity: { paths: identityPaths(root) },
      running: [],
      version: "1.2.3",
      clock: systemClock,
    });
    expect(checks.map(({ name }) => name)).toEqual([
      "privileges",
      "packet ring",
      "kernel types",
      "descriptors",
      "configuration",
      "ports",
      "disk",
      "certificates",
      "clock",
      "versions",
    ]);
    const configuration = checks.find(({ name }) => name === "configuration");
    expect(configuration).toMatchObject({ status: "fail", code: "config_invalid", found: "eventbus.prot is unknown" });
    const versions = checks.find(({ name }) => name === "versions")?.figures;
    expect(versions).toMatchObject({ amoskys: "1.2.3", bun: Bun.version });
    expect(String(versions?.sqlite)).toMatch(/^3\./);
    expect(readdirSync(root)).toEqual([]);
  });

  test("the verdict is the first failure's, and names the others", () => {
    const ok: DoctorCheck = { name: "a", status: "ok", found: "there" };
    const warn: DoctorCheck = { name: "b", status: "warn", found: "odd" };
    const privilege: DoctorCheck = { name: "c", status: "fail", found: "no", code: "privilege_missing", hint: "sudo" };
    const port: DoctorCheck = { name: "d", status: "fail", found: "held", code: "port_in_use" };
    expect(verdictOf([ok, warn])).toBeUndefined();
    expect(verdictOf([ok, warn, privilege, port])).toMatchObject({
      code: "privilege_missing",
      exitStatus: 14,
      message: "c: no; failed too: d",
      hint: "sudo",
    });
    expect(verdictOf([port])).toMatchObject({ exitStatus: 13, message: "d: held" });
  });
});
