import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { TlsMaterial } from "../../src/identity/index.ts";
import { BusIdentity } from "../../src/roles/bus-identity.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../support/certificates.ts";
import { CountingObserver } from "../support/counting-observer.ts";

let home: string;
let authority: TestAuthority;
let observer: CountingObserver;
let identity: BusIdentity | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-identity-"));
  mkdirSync(join(home, "certs"));
  authority = createTestAuthority();
  observer = new CountingObserver();
  place(authority.server());
  trust(["a", "b"]);
});

afterEach(() => {
  identity?.close();
  identity = undefined;
  authority.remove();
  rmSync(home, { recursive: true, force: true });
});

const at = (name: string) => join(home, "certs", name);

/** Puts a server's certificate and key where the bus looks for them. */
function place({ certPath, keyPath }: IssuedCertificate): void {
  copyFileSync(authority.caPath, at("ca.crt"));
  copyFileSync(certPath, at("server.crt"));
  copyFileSync(keyPath, at("server.key"));
  chmodSync(at("server.key"), 0o600);
}

function trust(names: readonly string[], more = ""): void {
  const agents = Object.fromEntries(names.map((name) => [name, { permissions: ["subscribe"] }]));
  writeFileSync(join(home, "trust.yaml"), `${JSON.stringify({ agents })}${more}`);
}

function open(farewellMs?: number) {
  const side = (name: string) => ({ ca: at("ca.crt"), cert: at(`${name}.crt`), key: at(`${name}.key`) });
  const places = {
    trustMap: join(home, "trust.yaml"),
    server: side("server"),
    agent: side("agent"),
    operator: side("operator"),
    seed: at("agent.ed25519"),
  };
  identity = new BusIdentity({
    home,
    places,
    allowGroupRead: false,
    clock: systemClock,
    observer,
    ...(farewellMs === undefined ? {} : { farewellMs }),
  });
  const heard = { tls: [] as TlsMaterial[], trusts: 0, removed: [] as string[] };
  identity.listen({
    onTls: (tls) => heard.tls.push(tls),
    onTrust: () => {
      heard.trusts += 1;
    },
    onRemoved: (name) => heard.removed.push(name),
  });
  return { identity, heard };
}

async function until(what: () => boolean): Promise<void> {
  const endMs = performance.now() + 4000;
  while (!what()) {
    if (performance.now() > endMs) throw new Error("it did not come to that");
    await Bun.sleep(10);
  }
}

const errors = () => observer.lines.filter(({ message }) => message.includes("the old one stays"));

describe("BusIdentity", () => {
  test("hands on a new server certificate, and keeps the old one while the new cannot be used", async () => {
    const { identity, heard } = open();
    const first = identity.tls.cert;
    const next = authority.server();
    writeFileSync(at("server.crt"), next.cert);
    await until(() => errors().length === 1);
    expect(identity.tls.cert).toBe(first);
    expect(heard.tls).toEqual([]);
    place(next);
    await until(() => heard.tls.length === 1);
    expect(identity.tls.cert).toBe(next.cert);
    expect(heard.tls[0]?.cert).toBe(next.cert);
  });

  test("says which names are trusted no longer, once their calls have heard why", async () => {
    const { identity, heard } = open();
    trust(["b", "c"]);
    await until(() => heard.trusts === 1);
    expect([...identity.trust.entries.keys()]).toEqual(["b", "c"]);
    expect(heard.removed).toEqual([]);
    await until(() => heard.removed.length === 1);
    expect(heard.removed).toEqual(["a"]);
  });

  test("spares a name that came back meanwhile", async () => {
    const { heard } = open(2000);
    trust(["b"]);
    await until(() => heard.trusts === 1);
    trust(["a", "b"]);
    await until(() => heard.trusts === 2);
    await Bun.sleep(2200);
    expect(heard.removed).toEqual([]);
  }, 10_000);

  test("keeps the trust map while the new one is broken, and counts that", async () => {
    const { identity, heard } = open();
    trust(["a"], "[");
    await until(() => errors().length === 1);
    expect([...identity.trust.entries.keys()]).toEqual(["a", "b"]);
    expect(heard.trusts).toBe(0);
    expect(observer.counted("amoskys_bus_trust_errors_total")).toBe(1);
  });

  test("knows when the certificate ends", () => {
    const endMs = open().identity.certificateEndMs() as number;
    expect(Math.abs(endMs - Date.now() - 86_400_000)).toBeLessThan(120_000);
  });

  test("is not built without a trust map", () => {
    rmSync(join(home, "trust.yaml"));
    expect(open).toThrow("trust.yaml");
  });
});
