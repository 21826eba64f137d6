import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { createOutput } from "../../src/cli/output.ts";
import { createProgram } from "../../src/cli/program.ts";
import { commandPath } from "../../src/cli/usage-error.ts";
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
    expect(pipe.stdout.toString()).toMatch(/^eventbus:\n(0|141)\n$/);
    // the reader has gone before anything is written
    const late = Bun.spawnSync([
      "bash",
      "-c",
      `(sleep 0.3; ${executable} config show) | true; echo "\${PIPESTATUS[0]}"`,
    ]);
    expect([late.stdout.toString(), late.stderr.toString()]).toEqual(["141\n", ""]);
  });

  test("what cannot be written is one line and 1", async () => {
    const { executable } = await import("../support/amoskys.ts");
    const full = Bun.spawnSync(["bash", "-c", `${executable} config show > /dev/full`]);
    expect(full.exitCode).toBe(1);
    expect(full.stderr.toString()).toBe("amoskys: The output cannot be written: no space is left on its disk\n");
  });

  test.each([
    [["--home", "", "status"], "amoskys --help"],
    [["events", "query", "--kind", ""], "amoskys events query --help"],
    [["events", "query", "--agent", ""], "amoskys events query --help"],
    [["events", "query", "--agent", "a,,b"], "amoskys events query --help"],
    [["events", "query", "--since", "2026-01-31T12:00:00"], "amoskys events query --help"],
    [["certs", "gen"], "amoskys certs gen --help"],
    [["certs", "gne"], "amoskys certs --help"],
    [["help", "events", "qurey"], "amoskys events query --help"],
    [["help", "evnts"], "amoskys events --help"],
  ])("%j is refused with 2 and leads to the help of the very command", async (args, help) => {
    const { status, stdout, stderr } = await amoskys(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr.split("\n").slice(1)).toEqual([`Try: ${help}`, ""]);
  });

  test("help COMMAND.. is what COMMAND.. --help shows", async () => {
    const shown = await amoskys(["help", "events", "query"]);
    expect(shown.stdout).toStartWith("Usage: amoskys events query ");
    expect(await amoskys(["events", "query", "--help"])).toEqual(shown);
  });

  test("every command has an example that is its own, and its exit statuses", () => {
    const texts: string[] = [];
    const output = { ...createOutput({}), write: (text: string) => void texts.push(text) };
    const visit = (command: Command) => {
      texts.length = 0;
      command.outputHelp();
      const help = texts.join("");
      const words = commandPath(command).replace("amoskys", "amoskys(?: --\\S+ \\S+)*");
      expect(help).toMatch(new RegExp(`Examples?:\\n(.*\\n)*? +(sudo |source <\\()?${words}`));
      expect(help).toContain("Exit status:");
      for (const child of command.commands) visit(child);
    };
    visit(createProgram({ output, environment: {} }));
  });
});
