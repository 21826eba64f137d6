import { afterEach, beforeEach, expect, test } from "bun:test";
import { createPublicKey, verify } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { createSigner } from "../../src/identity/index.ts";
import { AgentIdentity, type AgentIdentityOptions } from "../../src/roles/agent-identity.ts";
import { createHeard, type Heard, until } from "../delivery/agent-bench.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";

let authority: TestAuthority;
let folder: string;
let heard: Heard;
let identity: AgentIdentity | undefined;

function place(certificate: IssuedCertificate, seed: number): void {
  for (const [from, to] of [
    [authority.caPath, "ca.crt"],
    [certificate.certPath, "agent-1.crt"],
    [certificate.keyPath, "agent-1.key"],
  ] as const) {
    copyFileSync(from, join(folder, to));
    chmodSync(join(folder, to), 0o600);
  }
  writeFileSync(join(folder, "agent-1.ed25519"), new Uint8Array(32).fill(seed), { mode: 0o600 });
}

function options(): AgentIdentityOptions {
  const agent = {
    ca: join(folder, "ca.crt"),
    cert: join(folder, "agent-1.crt"),
    key: join(folder, "agent-1.key"),
  };
  const places = {
    agent,
    operator: agent,
    server: agent,
    trustMap: "",
    seed: join(folder, "agent-1.ed25519"),
  };
  return { agent: "agent-1", places, allowGroupRead: false, clock: systemClock, observer: heard };
}

function isSignedWith(seed: number, message: Uint8Array, sig: Uint8Array): boolean {
  const { publicKey } = createSigner("agent-1", new Uint8Array(32).fill(seed));
  const x = Buffer.from(publicKey).toString("base64url");
  return verify(null, message, createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }), sig);
}

beforeEach(() => {
  authority = createTestAuthority();
  folder = mkdtempSync(join(tmpdir(), "amoskys-identity-"));
  heard = createHeard();
});

afterEach(() => {
  identity?.close();
  identity = undefined;
  authority.remove();
  rmSync(folder, { recursive: true, force: true });
});

test("an agent's identity takes new certificates and keys without a restart", async () => {
  const first = authority.client("agent-1");
  place(first, 1);
  identity = new AgentIdentity(options());
  expect(identity.tls.cert).toBe(first.cert);
  expect(identity.check()).toEqual({ ok: true, message: expect.stringMatching(/^ends in \d+ days$/) });
  const message = new TextEncoder().encode("m");
  expect(isSignedWith(1, message, identity.signer.sign(message))).toBe(true);

  const taken: string[] = [];
  identity.watch(({ cert }) => taken.push(cert), 10);
  const second = authority.client("agent-1");
  place(second, 2);
  await until(() => taken.length > 0 && identity?.tls.cert === second.cert, "the new certificate");
  await until(() => isSignedWith(2, message, identity?.signer.sign(message) as Uint8Array), "the new key");
});

test("new files that cannot be used leave the old ones in force and are told", async () => {
  const first = authority.client("agent-1");
  place(first, 1);
  identity = new AgentIdentity(options());
  const taken: unknown[] = [];
  identity.watch((tls) => taken.push(tls), 10);
  writeFileSync(join(folder, "agent-1.crt"), "not a certificate");
  await until(() => heard.lines.some(({ level }) => level === "error"), "the error");
  expect([identity.tls.cert, taken]).toEqual([first.cert, []]);
  expect(heard.lines.at(-1)?.message).toContain("the old ones stay");
});

test("an identity that others could have read is refused", () => {
  place(authority.client("agent-1"), 1);
  chmodSync(join(folder, "agent-1.ed25519"), 0o644);
  expect(() => new AgentIdentity(options())).toThrow(/agent-1\.ed25519/);
});

test("a certificate whose file is gone, or that has ended, is told by the check", () => {
  place(authority.client("agent-1"), 1);
  let shift = 0;
  const clock = { ...systemClock, wallMs: () => Date.now() + shift };
  identity = new AgentIdentity({ ...options(), clock });
  expect(identity.check().ok).toBe(true);
  shift = 3 * 86_400_000;
  expect(identity.check()).toEqual({ ok: false, message: expect.stringContaining("ended") });
  rmSync(join(folder, "agent-1.crt"));
  shift *= 2;
  expect(identity.check()).toEqual({ ok: false, message: expect.stringContaining("is not there") });
});
