import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys, executable } from "../support/amoskys.ts";
import { createFolder, LogWriterFixture } from "../tasks/log-fixture.ts";

setDefaultTimeout(20_000);

const root = mkdtempSync(join(tmpdir(), "amoskys-permission-"));
const home = join(root, "home");
const log = createFolder();
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  log.remove();
});

const isRoot = process.geteuid?.() === 0 && Bun.which("setpriv") !== null;
if (!isRoot) process.stderr.write("skipped: tests of permissions need root and setpriv\n");

/** The tree of the tests may lie where only its owner can go. */
const program = join(root, "amoskys");

/** Runs the executable as a user that owns nothing here. */
const asOther = (...args: string[]) =>
  amoskys(args, { program, wrapper: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] });

describe.skipIf(!isRoot)("a user without permission", () => {
  beforeAll(async () => {
    chmodSync(root, 0o755);
    copyFileSync(executable, program);
    chmodSync(program, 0o755);
    await amoskys(["--home", home, "certs", "init"]);
    const writer = new LogWriterFixture(join(log.dir, "agent.db"));
    writer.flows(1);
    writer.log.close();
    chmodSync(log.dir, 0o755);
    chmodSync(join(log.dir, "agent.db"), 0o600);
    mkdirSync(join(home, "data/storage"), { recursive: true });
    writeFileSync(join(home, "data/storage/bus.db"), "");
    chmodSync(join(home, "data"), 0o700);
    writeFileSync(join(root, "secret.pcap"), "", { mode: 0o600 });
  });

  test.each([
    [["certs", "list"], "certs"],
    [["certs", "check"], "certs"],
    [["certs", "gen", "web-1"], "certs/ca.crt"],
    [["events", "query"], "data/storage/bus.db"],
    [["--home", join(root, "new"), "certs", "init"], "../new"],
    [["wal", "inspect", join(log.dir, "agent.db")], undefined],
    [["wal", "verify", join(log.dir, "agent.db")], undefined],
    [["agent", "flow", "--print", "--read", join(root, "secret.pcap")], undefined],
  ])("%j ends with 14, one line and a hint", async (args, place) => {
    const { status, stdout, stderr } = await asOther("--home", home, ...args);
    expect({ status, stdout }).toEqual({ status: 14, stdout: "" });
    expect(stderr).toMatch(/^amoskys: .*(permission denied|may not read).*\nTry: run it as the owner .*\n$/);
    if (place !== undefined) expect(stderr).toContain(join(home, place));
  });

  test("a configuration that may not be read is no wrong configuration", async () => {
    const other = join(root, "other");
    mkdirSync(join(other, "config"), { recursive: true });
    writeFileSync(join(other, "config/amoskys.yaml"), "", { mode: 0o600 });
    expect((await asOther("--home", other, "config", "show")).status).toBe(14);
  });
});
