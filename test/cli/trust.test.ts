import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSigner } from "../../src/identity/index.ts";
import { formatPublicKey } from "../../src/identity/public-key.ts";
import { amoskys } from "../support/amoskys.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-trust-cli-"));
const home = join(root, "home");
const pemOf = (number: number) => formatPublicKey(createSigner("a", new Uint8Array(32).fill(number)).publicKey);
const trust = (args: readonly string[], stdin?: string) =>
  amoskys(["--home", home, "trust", ...args], { cwd: root, ...(stdin === undefined ? {} : { stdin }) });
const listed = async () => JSON.parse((await trust(["list", "--json"])).stdout).agents as { name: string }[];

beforeAll(() => {
  mkdirSync(home);
  for (const number of [1, 2]) writeFileSync(join(root, `${number}.pub`), pemOf(number));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

// one story: each test goes on with the trust map that the one before has left
describe("amoskys trust", () => {
  test("list without a trust map: status 12", async () => {
    const { status, stderr } = await trust(["list"]);
    expect([status, stderr.startsWith("amoskys: ")]).toEqual([12, true]);
    expect(stderr).toContain("trust_map.yaml does not exist");
  });

  test("add takes a key from a file of the current directory, or from standard input", async () => {
    const options = ["--permit", "publish,subscribe", "--rate", "5000", "--legacy", "signed"];
    const added = await trust(["add", "web-1", "--key", "1.pub", ...options]);
    expect([added.status, added.stderr]).toEqual([0, ""]);
    expect(added.stdout).toMatch(/^web-1 may publish and subscribe, key [0-9a-f]{16} in certs\/web-1.ed25519.pub\n/);
    const piped = await trust(["add", "web-2", "--key", "-", "--json"], pemOf(2));
    expect(JSON.parse(piped.stdout)).toMatchObject({ name: "web-2", permissions: ["publish"] });
    expect(await listed()).toMatchObject([
      { name: "web-1", permissions: ["publish", "subscribe"], rate_limit: 5000, legacy: "signed" },
      { name: "web-2", permissions: ["publish"], rate_limit: null, legacy: null },
    ]);
  });

  test("list is a table for people", async () => {
    const { stdout } = await trust(["list"]);
    const [head, first] = stdout.split("\n");
    expect(head).toBe("NAME   MAY                RATE    LEGACY  NOW    KEYS");
    expect(first).toMatch(/^web-1 {2}publish,subscribe {2}5000\/s {2}signed {2}valid {2}[0-9a-f]{16}$/);
  });

  test.each([
    [["add", "web-1", "--key", "1.pub"], 12, "is in "],
    [["add", "web-3", "--key", "1.pub"], 12, "The key for web-3 is that of web-1 already"],
    [["add", "web-3", "--key", "none.pub"], 2, "There is no file none.pub"],
    [["add", "web-3"], 2, "its public key is needed"],
    [["add", "web-3", "--key", "1.pub", "--permit", "publsh"], 2, '"publsh" is no permission; did you mean publish?'],
    [["add", "web-3", "--key", "1.pub", "--rate", "many"], 2, "Write events a second"],
    [["add", "web-3", "--key", "1.pub", "--legacy", "some"], 2, "Allowed choices are none, signed, unsigned"],
    [["add", "a/b", "--key", "1.pub"], 2, "The name must match"],
    [["remove", "web-3"], 12, "web-3 is not in "],
    [["import", "none.yaml"], 2, "none.yaml"],
  ] as const)("%p: status %d, one line, and the map as before", async (args, expected, why) => {
    const path = join(home, "config", "trust_map.yaml");
    const before = readFileSync(path, "utf8");
    const { status, stdout, stderr } = await trust(args);
    expect([status, stdout]).toEqual([expected, ""]);
    expect(stderr).toContain(why);
    expect(stderr).toMatch(/^amoskys: [^\n]+\n(Try: [^\n]+\n)?$/);
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  test("remove", async () => {
    const { status, stdout } = await trust(["remove", "web-2"]);
    expect([status, stdout]).toEqual([0, "web-2 is no longer trusted; a running bus follows within 2 seconds\n"]);
    expect((await listed()).map(({ name }) => name)).toEqual(["web-1"]);
  });

  test("import takes over a map of the first generation", async () => {
    const old = join(root, "old");
    mkdirSync(join(old, "config"), { recursive: true });
    writeFileSync(join(old, "two.pub"), pemOf(2));
    writeFileSync(join(old, "config", "trust_map.yaml"), "agents:\n  agent-dev-001: two.pub\n  snmp: two.pub\n");
    const { status, stdout, stderr } = await trust(["import", "old/config/trust_map.yaml", "--legacy", "signed"]);
    expect(status).toBe(0);
    expect(stdout).toStartWith("2 added, 0 changed, 0 here already: ");
    expect(stderr).toBe("One key serves agent-dev-001, snmp: give each its own in time\n");
    expect(await listed()).toMatchObject([
      { name: "web-1" },
      { name: "agent-dev-001", legacy: "signed" },
      { name: "snmp" },
    ]);
  });

  test.each(["add", "import", "list", "remove"])("%s --help has an example and exit statuses", async (verb) => {
    const { status, stdout } = await trust([verb, "--help"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`Example:\\n  amoskys trust ${verb}`));
    expect(stdout).toContain("Exit status: 0 ");
  });
});
