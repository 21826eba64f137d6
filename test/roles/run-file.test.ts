import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listRunFiles, readRunFile, removeRunFile, startTicks, writeRunFile } from "../../src/roles/run-file.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-run-file-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const facts = (role: string, pid: number) => ({
  role,
  pid,
  start_ticks: startTicks(pid),
  started_ms: 1,
  health_ports: [2],
});

function mountSmall(folder: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "amoskys-test", folder]).status === 0;
}

describe("run files", () => {
  test("on a disk that takes nothing are an error that a supervisor waits out", () => {
    const dir = join(root, "full");
    mkdirSync(dir);
    if (!mountSmall(dir)) {
      process.stderr.write("skipped: nothing can be mounted, no disk is filled\n");
      return;
    }
    const full = expect.objectContaining({ code: "disk_full", exitStatus: 11 });
    try {
      writeFileSync(join(dir, "filler"), new Uint8Array(statfsSync(dir).bavail * 4096 - 4096));
      mkdirSync(join(dir, "run"));
      writeFileSync(join(dir, "rest"), new Uint8Array(statfsSync(dir).bavail * 4096));
      expect(() => writeRunFile(dir, facts("flow", process.pid))).toThrow(full);
      expect(readdirSync(join(dir, "run"))).toEqual([]);
      spawnSync("mount", ["-o", "remount,ro", dir]);
      expect(() => writeRunFile(dir, facts("flow", process.pid))).toThrow(full);
    } finally {
      spawnSync("umount", ["-l", dir]);
    }
  });

  test("tell what runs, to its owner only, and go with the role", () => {
    const dir = join(root, "a");
    writeRunFile(dir, facts("flow", process.pid));
    writeRunFile(dir, facts("bus", process.pid));
    expect(listRunFiles(dir).map(({ role }) => role)).toEqual(["bus", "flow"]);
    expect(statSync(join(dir, "run", "bus.json")).mode & 0o777).toBe(0o600);
    removeRunFile(dir, "bus", process.pid);
    expect(readRunFile(dir, "bus")).toBeUndefined();
  });

  test("of a process that has gone are as if they were not there", async () => {
    const child = Bun.spawn(["true"]);
    await child.exited;
    writeRunFile(root, facts("flow", child.pid));
    expect(readRunFile(root, "flow")).toBeUndefined();
    expect(listRunFiles(join(root, "nowhere"))).toEqual([]);
  });

  test("of a process whose pid another one has now are as if they were not there", () => {
    writeRunFile(root, { ...facts("flow", process.pid), start_ticks: "1" });
    expect(readRunFile(root, "flow")).toBeUndefined();
  });

  test("that a power cut left empty tell nothing", () => {
    writeFileSync(join(root, "run", "flow.json"), "");
    expect(readRunFile(root, "flow")).toBeUndefined();
    expect(listRunFiles(root)).toEqual([]);
  });

  test("of another process are not taken away", () => {
    writeRunFile(root, facts("bus", process.pid));
    removeRunFile(root, "bus", process.pid + 1);
    expect(readRunFile(root, "bus")?.pid).toBe(process.pid);
  });
});
