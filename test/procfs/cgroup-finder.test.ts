import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { CgroupFinder, ProcessReader } from "../../src/procfs/index.ts";
import { ProcFolder } from "./proc-folder.ts";

const container = "cd".repeat(32);
const path = `/system.slice/docker-${container}.scope`;

/** A process 7 in that group, and the number of the group. */
function makeGroup(proc: ProcFolder): { finder: CgroupFinder; id: bigint } {
  proc.add({ pid: 7, cgroup: path });
  const tree = join(proc.path, "tree");
  mkdirSync(`${tree}${path}`, { recursive: true });
  const id = statSync(`${tree}${path}`, { bigint: true }).ino;
  return { finder: new CgroupFinder(new ProcessReader(proc.path), tree), id };
}

describe("CgroupFinder", () => {
  test("knows the group of a process that has ended, when another was met in it before", () => {
    using proc = new ProcFolder();
    const { finder, id } = makeGroup(proc);
    expect(finder.find(8, id)).toBeUndefined();
    expect(finder.find(7, id)?.containerId).toBe(container);
    expect(finder.find(8, id)?.containerId).toBe(container);
    expect(finder.find(8, id + 1n)).toBeUndefined();
  });

  test("takes the group that a process has moved to for none that it was in before", () => {
    using proc = new ProcFolder();
    const { finder, id } = makeGroup(proc);
    expect(finder.find(7, id + 1n)).toBeUndefined();
    proc.add({ pid: 9, cgroup: "/not/mounted" });
    expect(finder.find(9, id)).toBeUndefined();
  });

  test("takes no group from an id where other trees have groups of their own", () => {
    using proc = new ProcFolder();
    const { finder, id } = makeGroup(proc);
    proc.write("7/cgroup", `4:memory:/docker/${container}\n0::/system.slice/docker.service\n`);
    expect(finder.find(7, id)?.containerId).toBe(container);
    rmSync(join(proc.path, "7"), { recursive: true });
    expect(finder.find(7, id)).toBeUndefined();
  });
});
