import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argumentsCutMark, createProcessStat, ProcessReader } from "../../src/procfs/index.ts";
import { ProcFolder, until } from "./proc-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "amoskys-process-reader-"));
const children: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const reader = new ProcessReader("/proc");
const stat = createProcessStat();

/** Starts a program and waits until it is that program, and no longer the one it was forked from. */
async function start(command: string[], exe: string, options: { env?: Record<string, string> } = {}): Promise<number> {
  const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"], ...options });
  children.push(child);
  await until(() => reader.readFacts(child.pid, false, 4096)?.exe === exe);
  return child.pid;
}

const sleep = Bun.which("sleep") as string;

describe("ProcessReader", () => {
  test("this process is what the runtime says of it", () => {
    expect(reader.pids()).toContain(process.pid);
    expect(reader.readStat(process.pid, stat)).toBe("read");
    expect(stat).toMatchObject({ pid: process.pid, ppid: process.ppid, isKernelThread: false });
    const name = reader.name(stat);
    expect(name).toBe(readFileSync("/proc/self/comm", "utf8").trimEnd());
    const facts = reader.readFacts(process.pid, false, 65_536);
    expect(facts).toMatchObject({ exe: process.execPath, uid: process.geteuid?.(), gid: process.getegid?.() });
    expect(facts?.args.join("\0")).toBe(readFileSync("/proc/self/cmdline", "utf8").slice(0, -1));
    expect(reader.descriptors(process.pid)).toBeGreaterThanOrEqual(readdirSync("/proc/self/fd").length - 1);
  });

  test("names and arguments with newlines, escape sequences, parentheses and bytes that are no UTF-8", async () => {
    const file = join(folder, "x) S 1\n\u001b[2J");
    copyFileSync(sleep, file);
    const pid = await start([file, "60"], file);
    expect(reader.readStat(pid, stat)).toBe("read");
    expect(reader.name(stat)).toBe("x) S 1\n\u001b[2J");
    expect(stat.ppid).toBe(process.pid);
    expect(reader.readFacts(pid, false, 4096)?.args).toEqual([file, "60"]);

    const raw = join(folder, "raw");
    const shell = `exec -a "$(printf 'a\\377b')" "${raw}" 60`;
    copyFileSync(sleep, raw);
    const rawPid = await start(["bash", "-c", shell], raw);
    expect(reader.readFacts(rawPid, false, 4096)?.args).toEqual(["a\ufffdb", "60"]);
  });

  test("two megabytes of arguments are cut with a mark", async () => {
    const words = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(100_000, "0"));
    const child = Bun.spawn(["sh", "-c", "kill -STOP $$", ...words], { stdio: ["ignore", "ignore", "ignore"] });
    children.push(child);
    await until(() => reader.readStat(child.pid, stat) === "read" && stat.state === 0x54);
    const args = reader.readFacts(child.pid, false, 4096)?.args ?? [];
    expect(args[0]).toBe("sh");
    expect(args.at(-1)).toBe(argumentsCutMark);
    expect(args.join("").length).toBeLessThanOrEqual(4096 + argumentsCutMark.length);
  });

  test("a process that has ended is gone, at any step", () => {
    const child = Bun.spawnSync(["true"]);
    expect(reader.readStat(child.pid, stat)).toBe("gone");
    expect(reader.readFacts(child.pid, false, 4096)).toBeUndefined();
    expect(reader.descriptors(child.pid)).toBeUndefined();
    using proc = new ProcFolder();
    proc.add({ pid: 9 });
    rmSync(join(proc.path, "9/status"));
    expect(new ProcessReader(proc.path).readFacts(9, false, 4096)).toBeUndefined();
    proc.write("9/stat", "");
    expect(new ProcessReader(proc.path).readStat(9, stat)).toBe("gone");
  });

  test("a folder's facts: effective ids, and files that are missing say nothing", () => {
    using proc = new ProcFolder();
    const cgroup = `/docker/${"ab".repeat(32)}`;
    proc.add({ pid: 9, exe: "/opt/x (deleted)", cmdline: "", uid: 33, gid: 44, cgroup });
    const facts = new ProcessReader(proc.path).readFacts(9, false, 4096);
    expect(facts).toEqual({
      exe: "/opt/x (deleted)",
      args: [],
      uid: 33,
      gid: 44,
      isExeHidden: false,
      cgroup: { path: cgroup, containerId: "ab".repeat(32), isUnified: true },
    });
    rmSync(join(proc.path, "9/exe"));
    rmSync(join(proc.path, "9/cgroup"));
    expect(new ProcessReader(proc.path).readFacts(9, false, 4096)).toMatchObject({ exe: "", cgroup: { path: "" } });
  });
});
