import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { procConfigSchema } from "../../../src/collectors/proc/index.ts";
import { ProcessSource, type Round } from "../../../src/collectors/proc/source.ts";
import { entityIdOf } from "../../../src/procfs/index.ts";
import { ProcFolder } from "../../procfs/proc-folder.ts";

const bootId = "11111111-2222-3333-4444-555555555555";

function sourceOf(proc: ProcFolder, settings: object = {}): ProcessSource {
  const source = new ProcessSource(procConfigSchema.parse({ proc_root: proc.path, ...settings }));
  source.open();
  return source;
}

const pidsOf = (round: Round) => ({
  seen: round.seen.map(({ pid }) => pid).sort((a, b) => a - b),
  started: round.started.map(({ pid }) => pid).sort((a, b) => a - b),
  executed: round.executed.map(({ pid }) => pid),
  ended: round.ended.map(({ pid }) => pid).sort((a, b) => a - b),
});
const nothing = { seen: [], started: [], executed: [], ended: [] };

describe("ProcessSource", () => {
  test("the first round has what is there; later ones have what came and went", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 1 });
    proc.add({ pid: 5 });
    const source = sourceOf(proc);
    const first = await source.look(() => 1000);
    expect(first).toMatchObject({ isFirst: true, hidden: 0, vanished: 0, isPartial: false });
    expect(pidsOf(first)).toEqual({ ...nothing, seen: [1, 5] });
    expect(pidsOf(await source.look(() => 2000))).toEqual(nothing);
    proc.remove(5);
    proc.add({ pid: 6, startTicks: 99_000 });
    const third = await source.look(() => 3000);
    expect(third.isFirst).toBe(false);
    expect(pidsOf(third)).toEqual({ ...nothing, started: [6], ended: [5] });
    expect(third.started[0]).toMatchObject({
      startNs: 1_700_000_990_000_000_000n,
      entityId: entityIdOf(bootId, 6, 99_000),
    });
  });

  test("a pid that is used again is another process", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 5, startTicks: 100 });
    const source = sourceOf(proc);
    await source.look(() => 1000);
    proc.add({ pid: 5, startTicks: 200 });
    const round = await source.look(() => 2000);
    expect(pidsOf(round)).toEqual({ ...nothing, started: [5], ended: [5] });
    expect(round.ended[0]?.entityId).toBe(entityIdOf(bootId, 5, 100));
    expect(round.started[0]?.entityId).toBe(entityIdOf(bootId, 5, 200));
  });

  test("another image is an execution, a new name alone is none, and neither is the end of an image", async () => {
    using proc = new ProcFolder();
    const process = { pid: 5, name: "sh", exe: "/bin/sh", code: 1 };
    proc.add(process);
    const source = sourceOf(proc);
    await source.look(() => 1000);
    proc.add({ ...process, name: "renamed" });
    expect(pidsOf(await source.look(() => 2000))).toEqual(nothing);
    proc.add({ ...process, name: "curl", exe: "/bin/curl", code: 2, cmdline: "curl\0x\0" });
    const round = await source.look(() => 3000);
    expect(pidsOf(round)).toEqual({ ...nothing, executed: [5] });
    expect(round.executed[0]).toMatchObject({ name: "curl", facts: { exe: "/bin/curl", args: ["curl", "x"] } });
    proc.add({ ...process, name: "curl", code: 0, virtualBytes: 0, state: "Z", cmdline: "" });
    expect(pidsOf(await source.look(() => 4000))).toEqual(nothing);
    proc.remove(5);
    const end = await source.look(() => 5000);
    expect(end.ended[0]?.facts.exe).toBe("/bin/curl");
  });

  test("where addresses are hidden, an execution shows in name and file", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 5, name: "sh", exe: "/bin/sh", code: 1 });
    const source = sourceOf(proc);
    await source.look(() => 1000);
    proc.add({ pid: 5, name: "curl", exe: "/bin/curl", code: 1 });
    expect(pidsOf(await source.look(() => 2000))).toEqual({ ...nothing, executed: [5] });
  });

  test("CPU is over the round, and over the life at first sight", async () => {
    using proc = new ProcFolder();
    // 1000 s up, started at 900 s: 25 of 100 seconds
    proc.add({ pid: 5, startTicks: 90_000, userTicks: 2000, systemTicks: 500 });
    const source = sourceOf(proc);
    const first = await source.look(() => 1000);
    expect(first.seen[0]?.cpuPercent).toBeCloseTo(25, 9);
    proc.add({ pid: 5, startTicks: 90_000, userTicks: 2100, systemTicks: 550 });
    await source.look(() => 3000);
    expect([...source.processes()][0]).toMatchObject({ cpuPercent: 75, cpuTicks: 2650 });
    await source.look(() => 4000);
    expect([...source.processes()][0]?.cpuPercent).toBe(0);
  });

  test("processes that end while they are read are counted, and never half there", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 1 });
    proc.add({ pid: 5 });
    proc.write("6/stat", "");
    rmSync(join(proc.path, "5/status"));
    const source = sourceOf(proc);
    const round = await source.look(() => 1000);
    expect(round.vanished).toBe(2);
    expect(pidsOf(round)).toEqual({ ...nothing, seen: [1] });
    expect(pidsOf(await source.look(() => 2000))).toEqual(nothing);
  });

  test.skipIf(process.getuid?.() !== 0)("what may no longer be read is hidden, and has not ended", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 5 });
    proc.add({ pid: 6 });
    const source = sourceOf(proc);
    await source.look(() => 1000);
    chmodSync(proc.path, 0o755);
    chmodSync(join(proc.path, "5/stat"), 0);
    process.seteuid?.(65_534);
    const round = await source.look(() => 2000).finally(() => process.seteuid?.(0));
    expect(round.hidden).toBe(1);
    expect(pidsOf(round)).toEqual(nothing);
  });

  test("one that cannot be read is counted, and costs no other its start, its execution or its end", async () => {
    using proc = new ProcFolder();
    for (const pid of [4, 5, 6]) proc.add({ pid });
    // a read of a folder fails with EISDIR, as that of a broken file does with EIO
    const breakFile = (name: string) => {
      rmSync(join(proc.path, name));
      mkdirSync(join(proc.path, name));
    };
    breakFile("5/stat");
    const source = sourceOf(proc);
    const first = await source.look(() => 1000);
    expect(first).toMatchObject({ isFirst: true, unread: 1, unreadErrno: "EISDIR" });
    expect(pidsOf(first)).toEqual({ ...nothing, seen: [4, 6] });

    // 5 was there before the first round; 7 starts, 4 executes, and 6 becomes another process
    proc.add({ pid: 5 });
    proc.add({ pid: 7 });
    proc.add({ pid: 4, name: "curl", exe: "/bin/curl", code: 9 });
    proc.add({ pid: 6, startTicks: 200 });
    for (const pid of [4, 6, 7]) breakFile(`${pid}/status`);
    const second = await source.look(() => 2000);
    expect(second.unread).toBe(3);
    expect(pidsOf(second)).toEqual({ ...nothing, seen: [5], ended: [6] });

    proc.add({ pid: 7 });
    proc.add({ pid: 4, name: "curl", exe: "/bin/curl", code: 9 });
    proc.add({ pid: 6, startTicks: 200 });
    const third = await source.look(() => 3000);
    expect(third.unread).toBe(0);
    expect(pidsOf(third)).toEqual({ ...nothing, started: [6, 7], executed: [4] });

    breakFile("5/stat");
    expect(pidsOf(await source.look(() => 4000))).toEqual(nothing);
    proc.remove(5);
    expect(pidsOf(await source.look(() => 5000))).toEqual({ ...nothing, ended: [5] });
  });

  test("a first round that fails as a whole is made again as the first", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 5 });
    const source = sourceOf(proc);
    rmSync(join(proc.path, "uptime"));
    mkdirSync(join(proc.path, "uptime"));
    expect(source.look(() => 1000)).rejects.toMatchObject({ code: "EISDIR" });
    rmdirSync(join(proc.path, "uptime"));
    expect(pidsOf(await source.look(() => 2000))).toEqual({ ...nothing, seen: [5] });
  });

  test("without arguments the name stands in brackets, as ps has it", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 5, name: "kworker/0:1-ev", flags: 0x208040, cmdline: "", virtualBytes: 0 });
    proc.add({ pid: 6, name: "x\ny", cmdline: "" });
    const { seen } = await sourceOf(proc).look(() => 1000);
    const args = new Map(seen.map(({ pid, facts }) => [pid, facts.args]));
    expect(args.get(5)).toEqual(["[kworker/0:1-ev]"]);
    expect(args.get(6)).toEqual(["[x\ny]"]);
  });

  test("filters: names, files, pids, exceptions; what is let through stays so", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 2, name: "nginx", exe: "/usr/sbin/nginx" });
    proc.add({ pid: 3, name: "worker", exe: "/usr/sbin/nginx" });
    proc.add({ pid: 4, name: "sh", exe: "/bin/sh", code: 1 });
    proc.add({ pid: 5, name: "bash", exe: "/bin/bash" });
    const seen = async (settings: object) => pidsOf(await sourceOf(proc, settings).look(() => 1000)).seen;
    expect(await seen({ include_names: ["nginx"] })).toEqual([2, 3]);
    expect(await seen({ include_names: ["/bin/*"] })).toEqual([4, 5]);
    expect(await seen({ include_names: ["ba?h"], include_pids: [2] })).toEqual([2, 5]);
    expect(await seen({ exclude_names: ["*sh"], exclude_pids: [3] })).toEqual([2]);
    expect(await seen({ include_names: ["nginx"], exclude_pids: [2] })).toEqual([3]);

    const source = sourceOf(proc, { exclude_names: ["sh"] });
    await source.look(() => 1000);
    proc.add({ pid: 4, name: "curl", exe: "/bin/curl", code: 2 });
    expect(pidsOf(await source.look(() => 2000)).executed).toEqual([4]);
    proc.add({ pid: 4, name: "sh", exe: "/bin/sh", code: 3 });
    expect(pidsOf(await source.look(() => 3000)).executed).toEqual([4]);
    proc.remove(4);
    proc.remove(5);
    expect(pidsOf(await source.look(() => 4000)).ended).toEqual([4, 5]);
  });

  test("a missing proc file system is said, with what to do", () => {
    const source = new ProcessSource(procConfigSchema.parse({ proc_root: "/nowhere" }));
    expect(() => source.open()).toThrow(expect.objectContaining({ code: "facility_missing" }));
  });

  test("5,000 processes: a sample is the same processes for start and end, and other work gets its turn", async () => {
    using proc = new ProcFolder();
    for (let pid = 1; pid <= 5000; pid += 1) proc.add({ pid, startTicks: pid });
    const source = sourceOf(proc, { sample_rate: 0.25 });
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    });
    const first = await source.look(() => 1000);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
    expect([...source.processes()]).toHaveLength(5000);
    expect(first.seen.length).toBeGreaterThan(1100);
    expect(first.seen.length).toBeLessThan(1400);
    const again = await sourceOf(proc, { sample_rate: 0.25 }).look(() => 1000);
    expect(pidsOf(again).seen).toEqual(pidsOf(first).seen);
    for (let pid = 1; pid <= 5000; pid += 1) proc.remove(pid);
    const second = await source.look(() => 2000);
    expect(pidsOf(second).ended).toEqual(pidsOf(first).seen);
  });
});
