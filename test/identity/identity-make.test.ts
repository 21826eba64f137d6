import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { isHostName } from "../../src/identity/certificate-authority.ts";
import { type IdentityPaths, identityFiles, identityPaths, identityState } from "../../src/identity/identity-home.ts";
import { generateIdentity, initIdentity, prepareIdentity } from "../../src/identity/identity-make.ts";
import { loadSigner } from "../../src/identity/signer.ts";
import { loadTlsMaterial } from "../../src/identity/tls-material.ts";
import { loadTrustMap } from "../../src/identity/trust-file.ts";

const nowMs = Date.now();
const needs = { bus: true, agent: "agent" };
let paths: IdentityPaths;

beforeEach(() => {
  paths = identityPaths(mkdtempSync(join(tmpdir(), "amoskys-make-")));
});
afterEach(() => rmSync(paths.home, { recursive: true, force: true }));

const init = (agent = "agent") => initIdentity(paths, { agent, hosts: ["bus.example.org"], nowMs });
const file = (name: string) => join(paths.certs, name);

async function refusal(made: Promise<unknown>): Promise<AmoskysError> {
  return made.then(
    () => {
      throw new Error("it was made");
    },
    (caught: AmoskysError) => caught,
  );
}

/** Every file below a folder with its content, so that "nothing was changed" can be seen. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const files = names.map((each) => join(each.parentPath, each.name)).sort();
  return Object.fromEntries(files.map((path) => [path, readFileSync(path, "base64")]));
}

describe("initIdentity", () => {
  test("makes all of it, each file with its mode", async () => {
    const made = await init();
    expect(made.finished).toBe(false);
    expect(made.files.filter((path) => !existsSync(path))).toEqual([]);
    expect(readdirSync(paths.certs).sort()).toEqual([
      ...["agent.crt", "agent.ed25519", "agent.ed25519.pub", "agent.key", "bus.ed25519", "bus.ed25519.pub"],
      ...["ca.crt", "ca.key", "operator.crt", "operator.key", "server.crt", "server.key"],
    ]);
    for (const name of readdirSync(paths.certs)) {
      const secret = name.endsWith(".key") || name.endsWith(".ed25519");
      expect([name, statSync(file(name)).mode & 0o777]).toEqual([name, secret ? 0o600 : 0o644]);
    }
    expect(statSync(paths.certs).mode & 0o777).toBe(0o700);
    expect(statSync(file("bus.ed25519")).size).toBe(32);
    expect(identityState(paths, needs)).toEqual({ kind: "complete" });
  });

  test("what it makes loads: TLS of all three, signing keys, trust map", async () => {
    await init();
    for (const name of ["server", "agent", "operator"]) {
      const { cert, key } = identityFiles(paths, name);
      expect(loadTlsMaterial({ ca: file("ca.crt"), cert, key }, { nowMs }).key).toContain("PRIVATE KEY");
    }
    const trust = loadTrustMap(paths.trustMap, { home: paths.home });
    expect([...trust.entries.keys()]).toEqual(["agent", "operator"]);
    expect([...(trust.entries.get("agent")?.permissions ?? [])]).toEqual(["publish"]);
    expect([...(trust.entries.get("operator")?.permissions ?? [])]).toEqual(["subscribe", "status"]);
    const signer = loadSigner({ seedPath: file("agent.ed25519"), agent: "agent" });
    const message = new Uint8Array([1, 2, 3]);
    expect(trust.verifySignature("agent", message, signer.sign(message), "ever")).toBe(true);
    const bus = loadSigner({ seedPath: file("bus.ed25519"), agent: "bus" });
    expect(trust.verifySignature("agent", message, bus.sign(message), "ever")).toBe(false);
  });

  test("openssl takes every certificate for its use, strictly", async () => {
    await init();
    const verify = (purpose: string, name: string, ...more: string[]) =>
      spawnSync(
        "openssl",
        ["verify", "-x509_strict", "-purpose", purpose, ...more, "-CAfile", "ca.crt", `${name}.crt`],
        {
          cwd: paths.certs,
          encoding: "utf8",
        },
      ).stdout;
    expect(verify("sslserver", "server")).toBe("server.crt: OK\n");
    expect(verify("sslserver", "server", "-verify_ip", "127.0.0.1")).toBe("server.crt: OK\n");
    expect(verify("sslclient", "agent")).toBe("agent.crt: OK\n");
    expect(verify("sslclient", "operator")).toBe("operator.crt: OK\n");
    expect(verify("sslclient", "server")).not.toContain("OK");
    expect(verify("sslserver", "agent")).not.toContain("OK");
  });

  test("the server is known by the given hosts, this host and the loopback", async () => {
    await init();
    const server = new X509Certificate(readFileSync(file("server.crt")));
    const own = isHostName(hostname()) ? [hostname()] : [];
    for (const host of ["bus.example.org", "localhost", ...own]) expect(server.checkHost(host)).toBe(host);
    for (const address of ["127.0.0.1", "::1"]) expect(server.checkIP(address)).toBeTruthy();
  });

  test("never overwrites: a whole home stays as it is", async () => {
    await init();
    const before = contentOf(paths.home);
    const error = await refusal(init());
    expect([error.code, error.exitStatus, error.hint]).toEqual(["identity_invalid", 12, "amoskys certs list"]);
    expect(error.message).toContain("has an identity already; nothing was changed");
    expect(contentOf(paths.home)).toEqual(before);
  });

  test.each(["ca.crt", "ca.key", "agent.ed25519", "other.crt", "trust map"])(
    "refuses a home where only %s lies, and changes nothing",
    async (name) => {
      const path = name === "trust map" ? paths.trustMap : file(name);
      for (const folder of [paths.certs, join(paths.home, "config")]) mkdirSync(folder);
      writeFileSync(path, "mine");
      const error = await refusal(init());
      expect(error.code).toBe("identity_invalid");
      expect(error.message).toContain("is not whole");
      expect(error.hint).toBeTruthy();
      expect(contentOf(paths.home)).toEqual({ [path]: Buffer.from("mine").toString("base64") });
    },
  );

  test("takes a folder that is there for other things, and writing in it from others", async () => {
    mkdirSync(paths.certs);
    chmodSync(paths.certs, 0o777);
    writeFileSync(file(".gitkeep"), "");
    await init();
    expect(statSync(paths.certs).mode & 0o777).toBe(0o755);
    expect(existsSync(file(".gitkeep"))).toBe(true);
  });

  test("finishes a run that broke off", async () => {
    await init();
    const whole = contentOf(paths.home);
    mkdirSync(file(".pending"));
    const places = ["server.key", "../config/trust_map.yaml"];
    renameSync(file("server.key"), file(".pending/0"));
    renameSync(paths.trustMap, file(".pending/1"));
    writeFileSync(file(".pending/places.json"), JSON.stringify(places));
    const state = identityState(paths, needs);
    expect(state).toMatchObject({ kind: "partial", hint: "amoskys certs init (finishes what broke off)" });
    expect(await init()).toEqual({ finished: true, files: [] });
    expect(contentOf(paths.home)).toEqual(whole);
  });

  test("two at once make one identity", async () => {
    const results = await Promise.allSettled([init(), init(), init()]);
    expect(results.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    for (const each of results) {
      if (each.status === "rejected") expect((each.reason as AmoskysError).code).toBe("identity_invalid");
    }
    for (const name of ["server", "agent", "operator"]) {
      const { cert, key } = identityFiles(paths, name);
      loadTlsMaterial({ ca: file("ca.crt"), cert, key }, { nowMs });
    }
  });

  test.each(["", "a b", "../x", "ca", "server", "bus", "operator", "__proto__", "x".repeat(65)])(
    "refuses the name %p",
    async (name) => {
      expect((await refusal(init(name))).code).toBe("usage");
      expect(readdirSync(paths.home)).toEqual([]);
    },
  );
});

describe("generateIdentity", () => {
  beforeEach(() => init());

  test("makes certificate and signing key of one more agent", async () => {
    const made = await generateIdentity(paths, "web-1", nowMs);
    const names = ["web-1.crt", "web-1.key", "web-1.ed25519", "web-1.ed25519.pub"];
    expect(made.files).toEqual(names.map(file));
    const { cert, key, seed } = identityFiles(paths, "web-1");
    expect(loadTlsMaterial({ ca: file("ca.crt"), cert, key }, { nowMs }).cert).toContain("CERTIFICATE");
    expect(new X509Certificate(readFileSync(cert)).subject).toBe("CN=web-1");
    expect(loadSigner({ seedPath: seed, agent: "web-1" }).publicKey).toHaveLength(32);
  });

  test("the operator gets no signing key", async () => {
    for (const ending of ["crt", "key"]) unlinkSync(file(`operator.${ending}`));
    expect((await generateIdentity(paths, "operator", nowMs)).files).toEqual(
      ["operator.crt", "operator.key"].map(file),
    );
  });

  test("never overwrites; a certificate that was moved away is made anew for the same signing key", async () => {
    const before = contentOf(paths.home);
    expect((await refusal(generateIdentity(paths, "agent", nowMs))).message).toContain("exists already");
    expect(contentOf(paths.home)).toEqual(before);
    for (const ending of ["crt", "key"]) unlinkSync(file(`agent.${ending}`));
    const { files } = await generateIdentity(paths, "agent", nowMs);
    expect(files).toEqual(["agent.crt", "agent.key"].map(file));
    expect(readFileSync(file("agent.ed25519"), "base64")).toBe(before[file("agent.ed25519")] as string);
  });

  test("refuses where the authority's key is not here, or others could use it", async () => {
    chmodSync(file("ca.key"), 0o640);
    expect((await refusal(generateIdentity(paths, "web-1", nowMs))).message).toContain("can be used by others");
    unlinkSync(file("ca.key"));
    const error = await refusal(generateIdentity(paths, "web-1", nowMs));
    expect(error.message).toContain("ca.key is missing");
    expect(existsSync(file("web-1.crt"))).toBe(false);
  });
});

describe("prepareIdentity", () => {
  const prepare = (over: Partial<typeof needs> = {}) =>
    prepareIdentity(paths, { ...needs, ...over }, { agent: "agent", nowMs });

  test("makes what a home without anything needs, once", async () => {
    expect((await prepare())?.files.length).toBe(13);
    expect(await prepare()).toBeUndefined();
  });

  test.each([
    ["config/trust_map.yaml", "amoskys trust add agent --key certs/agent.ed25519.pub"],
    ["certs/server.key", "put the missing files back"],
    ["certs/agent.key", "put the missing files back"],
    ["certs/ca.crt", "put the missing files back"],
  ])("refuses a home without %s", async (name, hint) => {
    await prepare();
    unlinkSync(join(paths.home, name));
    const error = await refusal(prepare());
    expect([error.code, error.exitStatus]).toEqual(["identity_invalid", 12]);
    expect(error.message).toContain(`is not whole: ${name} missing`);
    expect(error.hint).toStartWith(hint);
  });

  test("says how to make an agent that is missing whole", async () => {
    await prepare();
    const error = await refusal(prepareIdentity(paths, { bus: true, agent: "web-1" }, { agent: "web-1", nowMs }));
    expect(error.hint).toBe("amoskys certs gen web-1");
  });

  test("on a host without a bus it asks for the agent's files, and is content with them", async () => {
    const error = await refusal(prepare({ bus: false }));
    expect(error.message).toContain("has no identity for the agent agent");
    expect(error.hint).toContain("amoskys certs gen agent");
    expect(readdirSync(paths.home)).toEqual([]);
    await prepare();
    for (const name of readdirSync(paths.certs)) {
      if (!/^(agent\.|ca\.crt)/.test(name)) unlinkSync(file(name));
    }
    unlinkSync(paths.trustMap);
    expect(await prepare({ bus: false })).toBeUndefined();
    expect((await refusal(prepare())).message).toContain("certs/server.crt, certs/server.key, config/trust_map.yaml");
  });
});
