import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
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

describe("run files", () => {
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
