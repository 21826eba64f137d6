import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { amoskys } from "../support/amoskys.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-program-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("amoskys", () => {
  test("--version and --help answer on stdout and end with 0", async () => {
    expect(await amoskys(["--version"])).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: "" });
    const help = await amoskys(["--help"]);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("Exit status:");
  });

  test("no command shows the help on stderr and ends with 2", async () => {
    const { status, stderr } = await amoskys([]);
    expect(status).toBe(2);
    expect(stderr).toStartWith("Usage: amoskys");
  });

  test.each([
    [["statsu"], "status"],
    [["config", "shwo"], "show"],
    [["up", "--role", "bus"], "--roles"],
    [["--log-level", "loud", "status"], "debug, info"],
  ])("%p: one line that names the nearest, a Try: line, status 2", async (args, named) => {
    const { status, stdout, stderr } = await amoskys(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toStartWith("amoskys: ");
    expect(lines[1]).toStartWith("Try: ");
    expect(stderr).toContain(named);
  });

  test("--json makes the error one object", async () => {
    const { status, stderr } = await amoskys(["status", "--json", "--home", join(root, "empty")]);
    expect(status).toBe(13);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "unreachable", exit_status: 13, hint: "amoskys up" } });
  });

  test("takes neither code nor settings from the folder it is started in", async () => {
    writeFileSync(join(root, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(join(root, "evil.ts"), 'require("node:fs").writeFileSync("owned", "")\n');
    writeFileSync(join(root, ".env"), "AMOSKYS_EVENTBUS__PORT=1\n");
    const { stdout } = await amoskys(["config", "show"], { cwd: root });
    expect(stdout).toContain("port: 50051");
    expect(await Bun.file(join(root, "owned")).exists()).toBe(false);
  });

  test("a reader that goes away ends it without a word", async () => {
    const { executable } = await import("../support/amoskys.ts");
    const pipe = Bun.spawnSync(["bash", "-c", `${executable} config show | head -1; echo "\${PIPESTATUS[0]}"`]);
    expect(pipe.stderr.toString()).toBe("");
    expect(pipe.stdout.toString()).toMatch(/^eventbus:\n(0|130)\n$/);
  });
});
