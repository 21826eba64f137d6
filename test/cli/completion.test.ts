import { describe, expect, test } from "bun:test";
import { amoskys } from "../support/amoskys.ts";

/** What bash would offer behind these words. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await amoskys(["completion", "bash"]);
  const line = words.map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(amoskys ${line}); COMP_CWORD=${words.length}; _amoskys; echo "\${COMPREPLY[@]}"`;
  const script = `${stdout}\n${ask}`;
  const bash = Bun.spawnSync(["bash", "-c", script]);
  expect(bash.stderr.toString()).toBe("");
  return bash.stdout.toString().trim().split(" ");
}

describe("amoskys completion", () => {
  test("bash offers commands, subcommands and options by where the cursor is", async () => {
    expect(await offered("u")).toEqual(["up"]);
    expect(await offered("config", "")).toEqual(["show", "check", "--help"]);
    expect(await offered("config", "show", "--o")).toEqual(["--origin"]);
    expect(await offered("up", "--roles", "bus", "--i")).toEqual(["--iface"]);
  });

  test("after an option that takes a value: its words, files, or nothing", async () => {
    expect(await offered("events", "query", "--kind", "f")).toEqual(["flow"]);
    expect(await offered("bus", "serve", "--overload", "")).toEqual(["on", "off", "auto"]);
    expect(await offered("--log-format", "")).toEqual(["pretty", "json"]);
    expect(await offered("events", "query", "--since", "")).toEqual([""]);
    expect(await offered("wal", "verify", "/etc/passw")).toContain("/etc/passwd");
    expect(await offered("wal", "verify", "--i")).toEqual(["--independent"]);
    expect(await offered("agent", "flow", "--read", "/etc/passw")).toContain("/etc/passwd");
    expect(await offered("completion", "z")).toEqual(["zsh"]);
  });

  test("zsh and fish get scripts of theirs; another shell is refused", async () => {
    expect((await amoskys(["completion", "zsh"])).stdout).toStartWith("#compdef amoskys");
    expect((await amoskys(["completion", "fish"])).stdout).toContain("-a restart");
    expect(await amoskys(["completion", "tcsh"])).toMatchObject({ status: 2, stdout: "" });
  });
});
