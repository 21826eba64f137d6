import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys, cleanEnvironment, executable } from "../support/amoskys.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-certs-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const certs = (home: string, ...args: string[]) => amoskys(["--home", join(root, home), "certs", ...args]);

describe("amoskys certs", () => {
  test("init makes an identity that openssl and check accept, and says what to do next", async () => {
    const made = await certs("whole", "init", "--host", "bus.example.org,192.0.2.10", "--host", "bus2");
    expect([made.status, made.stderr]).toEqual([0, ""]);
    expect(made.stdout).toContain(`Made in ${join(root, "whole", "certs")}: `);
    expect(made.stdout).toEndWith("\nNext: amoskys up\n");
    const folder = join(root, "whole", "certs");
    const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.crt"];
    for (const host of ["bus.example.org", "bus2", "localhost"]) {
      const done = spawnSync("openssl", [...verify, "-verify_hostname", host, "server.crt"], { cwd: folder });
      expect(done.stdout.toString()).toBe("server.crt: OK\n");
    }
    const checked = await certs("whole", "check");
    expect([checked.status, checked.stderr]).toEqual([0, ""]);
    expect(checked.stdout).toMatch(
      /^NAME +USE +COMMON NAME +ENDS +KEY +SIGNING KEY +TRUSTED +ISSUER +HOSTS\nca +authority /,
    );
    expect(checked.stdout).toMatch(/\nagent +client +agent +\d{4}-\d\d-\d\d +yes +[0-9a-f]{16} +yes +CN=AMOSKYS CA /);
    expect(checked.stdout).not.toMatch(/ \n|\u001b/);
  });

  test("init never overwrites: status 12, one line, and a command to go on with", async () => {
    const before = readFileSync(join(root, "whole", "certs", "ca.crt"), "utf8");
    const { status, stdout, stderr } = await certs("whole", "init");
    expect([status, stdout]).toEqual([12, ""]);
    expect(stderr).toMatch(/^amoskys: .* has an identity already; nothing was changed\nTry: amoskys certs list\n$/);
    expect(readFileSync(join(root, "whole", "certs", "ca.crt"), "utf8")).toBe(before);
  });

  test("init refuses a home of which a part is missing", async () => {
    mkdirSync(join(root, "part", "certs"), { recursive: true });
    writeFileSync(join(root, "part", "certs", "ca.crt"), "");
    const { status, stderr } = await certs("part", "init", "--json");
    expect(status).toBe(12);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: "identity_invalid", exit_status: 12 });
    expect(error.message).toContain("is not whole");
    expect(error.hint).toContain("amoskys certs init");
  });

  test("init refuses what is no host and no name, and makes nothing", async () => {
    for (const args of [
      ["--host", "a b"],
      ["--host", "bus:50051"],
      ["--agent", "../x"],
      ["--agent", "server"],
    ]) {
      const { status, stderr } = await certs("nothing", "init", ...args);
      expect([status, stderr.split("\n").length]).toEqual([2, 3]);
    }
    expect(existsSync(join(root, "nothing"))).toBe(false);
  });

  test("gen makes one more agent, which list shows; --json is one document each", async () => {
    const made = await certs("whole", "gen", "web-1", "--json");
    expect(made.status).toBe(0);
    const document = JSON.parse(made.stdout);
    expect(document).toMatchObject({ name: "web-1", trusted: true });
    expect(document.files.every((file: string) => existsSync(file))).toBe(true);
    const listed = JSON.parse((await certs("whole", "list", "--json")).stdout);
    expect(listed.problems).toEqual([]);
    expect(listed.certificates.map((each: { name: string }) => each.name)).toEqual([
      ...["ca", "agent", "operator", "server", "web-1"],
    ]);
    expect(listed.certificates[4]).toMatchObject({ common_name: "web-1", use: "client", trusted: true, has_key: true });
    const again = await certs("whole", "gen", "web-1");
    expect([again.status, again.stdout]).toEqual([12, ""]);
  });

  test("gen says what to copy", async () => {
    const { stdout } = await certs("whole", "gen", "web-2");
    expect(stdout).toContain("Made certs/web-2.crt, certs/web-2.key, certs/web-2.ed25519, certs/web-2.ed25519.pub\n");
    expect(stdout).toContain("copy ca.crt and web-2.* into certs/ of its host, and set agent.name to web-2 there");
  });

  test("gen server makes a new certificate of the bus for further hosts, and keeps the old one", async () => {
    const folder = join(root, "renew", "certs");
    await certs("renew", "init", "--host", "bus.example.org");
    const before = readFileSync(join(folder, "server.crt"), "utf8");
    const refused = await certs("renew", "gen", "server", "--host", "bus2");
    expect(refused.status).toBe(12);
    expect(refused.stderr).toMatch(/server.crt exists already; .*\nTry: amoskys certs gen server --replace/);
    expect((await certs("renew", "gen", "web-1", "--host", "bus2")).status).toBe(2);
    expect((await certs("renew", "gen", "server", "--host", "no host", "--replace")).status).toBe(2);
    expect(readFileSync(join(folder, "server.crt"), "utf8")).toBe(before);

    const made = await certs("renew", "gen", "server", "--host", "bus2,192.0.2.7", "--replace");
    expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: "" });
    expect(readFileSync(join(folder, "server.crt.old"), "utf8")).toBe(before);
    const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.crt"];
    for (const host of [
      ["-verify_hostname", "bus2"],
      ["-verify_hostname", "bus.example.org"],
      ["-verify_ip", "::1"],
    ]) {
      const done = spawnSync("openssl", [...verify, ...host, "server.crt"], { cwd: folder });
      expect(done.stdout.toString()).toBe("server.crt: OK\n");
    }
    expect((await certs("renew", "check")).status).toBe(0);
    const listed = JSON.parse((await certs("renew", "list", "--json")).stdout);
    const server = listed.certificates.find(({ name }: { name: string }) => name === "server");
    expect(server.hosts).toEqual(expect.arrayContaining(["localhost", "::1", "bus.example.org", "bus2", "192.0.2.7"]));
    expect(new Set(server.hosts).size).toBe(server.hosts.length);

    unlinkSync(join(folder, "server.crt"));
    expect(await certs("renew", "check")).toMatchObject({
      status: 12,
      stderr: expect.stringContaining("server.crt: is missing"),
    });
    expect((await certs("renew", "gen", "server", "--replace")).status).toBe(0);
    expect((await certs("renew", "check")).status).toBe(0);
  });

  test.each([".hidden", "_x", "ca"])("gen refuses the name %s", async (name) => {
    const { status, stderr } = await certs("whole", "gen", name);
    expect([status, stderr.startsWith(`amoskys: "${name}" `)]).toEqual([2, true]);
  });

  test("check ends with 12 and names the first of what is wrong", async () => {
    await certs("wrong", "init");
    unlinkSync(join(root, "wrong", "certs", "server.key"));
    writeFileSync(join(root, "wrong", "config", "trust_map.yaml"), "agents: {}");
    const { status, stdout, stderr } = await certs("wrong", "check");
    expect(status).toBe(12);
    expect(stdout).toContain("! agent.crt: names agent, which is not in the trust map (try: amoskys trust add agent ");
    expect(stdout).toContain("! server.crt: has no key beside it\n");
    expect(stderr).toMatch(/^amoskys: agent.crt: names agent, .* and 2 more\nTry: amoskys trust add agent --key /);
    const json = await certs("wrong", "check", "--json");
    expect(JSON.parse(json.stdout).problems).toHaveLength(3);
    expect([json.status, JSON.parse(json.stderr).error.code]).toEqual([12, "identity_invalid"]);
    expect((await certs("wrong", "list")).status).toBe(0);
  });

  test("init that is killed at any moment is made good by running it again", async () => {
    for (let round = 0; round < 8; round += 1) {
      const home = join(root, `killed${round}`);
      const child = Bun.spawn([executable, "--home", home, "certs", "init"], {
        env: cleanEnvironment(),
        stdout: "ignore",
      });
      await Bun.sleep(20 + 30 * round);
      child.kill("SIGKILL");
      await child.exited;
      const again = await certs(`killed${round}`, "init");
      if (again.status !== 0) expect(again.stderr).toContain("has an identity already; nothing was changed");
      expect((await certs(`killed${round}`, "check")).status).toBe(0);
    }
  }, 20_000);

  test("check of an empty home", async () => {
    const { status, stderr } = await certs("empty", "check");
    expect(status).toBe(12);
    expect(stderr).toEndWith("holds no certificates\nTry: amoskys certs init\n");
  });

  test("the configuration says where the files are", async () => {
    const home = join(root, "places");
    mkdirSync(join(home, "config"), { recursive: true });
    const settings = "eventbus: {cert_dir: keys}\ncrypto: {trust_map_path: trust.yaml}\n";
    writeFileSync(join(home, "config", "amoskys.yaml"), settings);
    expect((await certs("places", "init")).status).toBe(0);
    expect(readdirSync(home).sort()).toEqual(["config", "keys", "trust.yaml"]);
    expect(readFileSync(join(home, "trust.yaml"), "utf8")).toContain("public_key_path: keys/agent.ed25519.pub");
    expect((await certs("places", "check")).status).toBe(0);
  });

  test.each(["init", "gen", "list", "check"])("%s --help has an example and exit statuses", async (verb) => {
    const { status, stdout } = await certs("whole", verb, "--help");
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples?:\\n  amoskys certs ${verb}`));
    expect(stdout).toContain("Exit status: 0 ");
  });
});
