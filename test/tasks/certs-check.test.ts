import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IdentityPaths, identityPaths, initIdentity } from "../../src/identity/index.ts";
import { checkCertificates, firstProblem } from "../../src/tasks/certs-check.ts";
import { generateCertificate } from "../../src/tasks/certs-gen.ts";
import { removeTrust } from "../../src/tasks/trust-change.ts";

const nowMs = Date.now();
const dayMs = 86_400_000;
let paths: IdentityPaths;

beforeEach(async () => {
  paths = identityPaths(mkdtempSync(join(tmpdir(), "amoskys-check-")));
  await initIdentity(paths, { agent: "agent", nowMs });
});
afterEach(() => rmSync(paths.home, { recursive: true, force: true }));

const check = (atMs = nowMs) => checkCertificates(paths, { nowMs: atMs });
const problems = (atMs = nowMs) => check(atMs).problems.map(({ about, problem }) => `${about} ${problem}`);
const trustedOf = () => Object.fromEntries(check().certificates.map(({ name, trusted }) => [name, trusted]));

describe("checkCertificates", () => {
  test("a home as it was made has no problem", () => {
    expect(problems()).toEqual([]);
    expect(trustedOf()).toEqual({ ca: undefined, server: undefined, agent: true, operator: true });
  });

  test("what ends within 30 days is a problem, and what ended is one", () => {
    expect(problems(nowMs + 794 * dayMs)).toEqual([]);
    expect(problems(nowMs + 796 * dayMs)).toEqual([
      "agent.crt ends in 28 days",
      "operator.crt ends in 28 days",
      "server.crt ends in 28 days",
    ]);
    expect(problems(nowMs + 826 * dayMs).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "agent.crt ended",
      "operator.crt ended",
      "server.crt ended",
    ]);
  });

  test("an agent that the trust map does not know, with the command that adds it", () => {
    removeTrust(paths, "agent");
    removeTrust(paths, "operator");
    expect(check().problems).toEqual([
      {
        about: "agent.crt",
        problem: "names agent, which is not in the trust map",
        hint: "amoskys trust add agent --key certs/agent.ed25519.pub",
        isWarning: false,
      },
      {
        about: "operator.crt",
        problem: "names operator, which is not in the trust map",
        hint: "amoskys trust add operator --permit subscribe,status",
        isWarning: false,
      },
    ]);
    expect(trustedOf()).toMatchObject({ agent: false, operator: false });
  });

  test("another agent that is not trusted any more is a warning alone", async () => {
    await generateCertificate(paths, "web-1", nowMs);
    removeTrust(paths, "web-1");
    expect(check().problems).toMatchObject([{ about: "web-1.crt", isWarning: true }]);
    expect(firstProblem(check())).toBeUndefined();
    expect(firstProblem(checkCertificates(paths, { nowMs, agent: "web-1" }))).toMatchObject({ about: "web-1.crt" });
  });

  test("where certificates are made, or the bus has its key, or is to run, it needs its certificate", () => {
    const missing = "server.crt is missing: the bus cannot start";
    unlinkSync(join(paths.certs, "server.crt"));
    expect(check().problems).toMatchObject([{ about: "server.crt", hint: "amoskys certs gen server --replace" }]);
    unlinkSync(join(paths.certs, "ca.key"));
    expect(problems()).toEqual([missing]);
    unlinkSync(join(paths.certs, "server.key"));
    expect(problems()).toEqual([]);
    const asBus = checkCertificates(paths, { nowMs, hasBus: true });
    expect(asBus.problems).toMatchObject([{ about: "server.crt", hint: expect.stringContaining("up.roles") }]);
    const elsewhere = checkCertificates(paths, { nowMs, hasBus: true, serverCert: join(paths.certs, "agent.crt") });
    expect(elsewhere.problems).toEqual([]);
  });

  test("an agent whose entry has another key, or is over or revoked", () => {
    const entry = (rest: string) =>
      `agents: {agent: {public_key_path: certs/agent.ed25519.pub, ${rest}}, operator: {permissions: [status]}}`;
    writeFileSync(paths.trustMap, entry("revoked_at: 2026-01-01"));
    expect(problems()).toEqual(["agent.crt names agent, whose trust entry is revoked"]);
    writeFileSync(paths.trustMap, entry("not_after: 2026-01-01"));
    expect(problems()).toEqual(["agent.crt names agent, whose trust entry is over"]);
    writeFileSync(paths.trustMap, entry("legacy: none").replace("agent.ed25519.pub", "bus.ed25519.pub"));
    expect(problems()).toEqual(["agent.crt names agent, whose signing key here is not the one in the trust map"]);
  });

  test("a trust map that is broken or missing", () => {
    writeFileSync(paths.trustMap, "agents: {agent: 7}");
    expect(problems()).toEqual([`trust map ${paths.trustMap}: agents.agent must be a map`]);
    unlinkSync(paths.trustMap);
    expect(problems()).toEqual([`trust map ${paths.trustMap} does not exist`]);
  });

  test("a host that has only its agent needs no trust map", () => {
    for (const name of readdirSync(paths.certs)) {
      if (!/^(agent\.|ca\.crt)/.test(name)) unlinkSync(join(paths.certs, name));
    }
    unlinkSync(paths.trustMap);
    expect(problems()).toEqual([]);
    unlinkSync(join(paths.certs, "ca.crt"));
    expect(problems()).toContain(`${paths.certs} holds no ca.crt`);
  });

  test("nothing at all, and what broke off", () => {
    const empty = identityPaths(join(paths.home, "empty"));
    const found = checkCertificates(empty, { nowMs });
    expect(found.certificates).toEqual([]);
    expect(found.problems).toEqual([
      { about: empty.certs, problem: "holds no certificates", hint: "amoskys certs init", isWarning: false },
    ]);
    mkdirSync(join(paths.certs, ".pending"));
    expect(problems()).toEqual([`${paths.certs} holds a change that broke off`]);
  });
});
