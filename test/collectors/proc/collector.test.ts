import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { procCollector, procConfigSchema } from "../../../src/collectors/proc/index.ts";
import { emitAll } from "../../../src/core/emit-all.ts";
import type { CollectedEvent } from "../../../src/core/event.ts";
import { silentObserver } from "../../../src/core/observer.ts";
import type { ProcessEvent } from "../../../src/gen/messaging_schema_pb.ts";
import type { DeviceTelemetry } from "../../../src/gen/universal_telemetry_pb.ts";
import { ProcFolder, until } from "../../procfs/proc-folder.ts";
import { startSleepers } from "../../support/sleepers.ts";
import { Collected, contextFor, runOnce } from "./run-collector.ts";

const sleepers = 2000;
const children: Bun.Subprocess[] = [];
const cleanups: (() => void)[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const clean of cleanups) clean();
});

interface PsRow {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly gid: number;
  readonly rss: number;
  readonly vsz: number;
  readonly nlwp: number;
  readonly state: string;
  readonly args: string;
}

/** What procps says of all processes, by pid. */
function ps(): Map<number, PsRow> {
  const { stdout } = Bun.spawnSync(["ps", "-eo", "pid,ppid,uid,gid,rss,vsz,nlwp,stat,args", "--no-headers", "-ww"]);
  const rows = new Map<number, PsRow>();
  for (const line of stdout.toString().split("\n")) {
    const match = /^ *(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\S+) +(.*)$/.exec(line);
    if (!match) continue;
    const [pid, ppid, uid, gid, rss, vsz, nlwp] = match.slice(1, 8).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    rows.set(pid, { pid, ppid, uid, gid, rss, vsz, nlwp, state: match[8] as string, args: match[9] as string });
  }
  return rows;
}

/**
 * How ps prints arguments: joined, with what is not printable in ASCII replaced, and zombies with a mark. Workers of
 * the kernel are named anew with each piece of work, behind a dash.
 */
function isSameCommand(event: ProcessEvent, row: PsRow): boolean {
  const ours = event.args.join(" ").trimEnd();
  const worker = /^\[kworker\/[^-\]]*/.exec(ours)?.[0];
  if (worker !== undefined) return row.args.startsWith(worker);
  if (!/^[\x20-\x7e]*$/.test(ours)) return true;
  return ours === row.args.replace(/ <defunct>$/, "").trimEnd();
}

describe("proc collector", () => {
  test("2,000 processes and more: each that was there before and after is as ps has it", async () => {
    const parent = await startSleepers(sleepers);
    children.push(parent);
    const collected = new Collected();
    const config = procConfigSchema.parse({ top: 100 });
    const before = ps();
    await runOnce(procCollector.create({ config, once: true }, contextFor(collected)));
    const after = ps();
    parent.kill("SIGKILL");
    parent.stdin.end();

    expect(collected.refused).toEqual([]);
    const ours = new Map(collected.processes.map((event) => [Number(event.pid), event]));
    expect(ours.size).toBe(collected.processes.length);
    const different: string[] = [];
    let compared = 0;
    for (const [pid, then] of before) {
      const now = after.get(pid);
      if (
        !now ||
        (now.args !== then.args && !now.args.startsWith("[")) ||
        now.ppid !== then.ppid ||
        now.uid !== then.uid
      )
        continue;
      const event = ours.get(pid);
      compared += 1;
      const isSame =
        event?.kind === "seen" && Number(event.ppid) === then.ppid && event.uid === then.uid && event.gid === then.gid;
      if (!event || !isSame || !isSameCommand(event, then)) different.push(`${pid} ${then.args} ${event?.args}`);
    }
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(sleepers);

    const metrics = collected.metrics();
    let measured = 0;
    let moved = 0;
    for (const [pid, then] of before) {
      const now = after.get(pid);
      const labels = [...metrics.keys()].find(
        (key) => key.startsWith("process.threads{") && key.includes(`,pid=${pid}}`),
      );
      if (!labels || !now || now.vsz !== then.vsz || now.nlwp !== then.nlwp || now.rss !== then.rss) continue;
      const value = (name: string) => metrics.get(labels.replace("process.threads", name));
      measured += 1;
      expect(value("process.threads")).toBe(then.nlwp);
      expect(value("process.memory.virtual")).toBe(then.vsz * 1024);
      // what is the same before and after may have been another in between
      if (value("process.memory.resident") !== then.rss * 1024) moved += 1;
    }
    expect(measured).toBeGreaterThan(20);
    expect(moved).toBeLessThanOrEqual(measured * 0.05);
    process.stderr.write(`ps: ${compared} processes with the same facts, ${measured} with the same figures\n`);
  }, 20_000);

  test("a process of ours: its start, execution and end, with one identity and times that hold", async () => {
    const collected = new Collected();
    const config = procConfigSchema.parse({ interval_s: 0.1, top: 0 });
    const collector = procCollector.create({ config, once: false }, contextFor(collected));
    await collector.start();
    await until(() => collected.devices.length > 0);
    const startedMs = Date.now();
    const child = Bun.spawn(["sh", "-c", "read x; exec sleep 60"], { stdin: "pipe", stdout: "ignore" });
    children.push(child);
    const events = (kind: string) => collected.processes.filter((e) => Number(e.pid) === child.pid && e.kind === kind);
    await until(() => events("start").length === 1);
    child.stdin.write("\n");
    child.stdin.flush();
    await until(() => events("exec").some(({ args }) => args.join(" ") === "sleep 60"));
    child.kill("SIGKILL");
    await child.exited;
    const endedMs = Date.now();
    await until(() => events("exit").length === 1);
    await collector.stop(1000);
    const [start] = events("start");
    const [exit] = events("exit");
    const exec = events("exec").at(-1);
    expect(new Set([start, exec, exit].map((event) => event?.entityId)).size).toBe(1);
    expect(exec?.exe).toEndWith("/sleep");
    // the time of boot is known to the second, a start to the tick
    expect(Math.abs(Number(start?.startTsNs) / 1e6 - startedMs)).toBeLessThan(1500);
    expect(exit?.startTsNs).toBe(start?.startTsNs as bigint);
    expect(Number(exit?.exitTimeNs) / 1e6).toBeGreaterThanOrEqual(endedMs);
    expect(events("seen")).toEqual([]);
  });

  test("CPU of a busy process is about one processor, and its descriptors are those that are open", async () => {
    // a shell has one thread, which a runtime that compiles beside it has not
    const child = Bun.spawn(["sh", "-c", "while :; do :; done"], { stdio: ["ignore", "ignore", "ignore"] });
    children.push(child);
    const ticks = () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    // so long that a tick more or less is little of its life
    await until(() => ticks() > 60);
    const collected = new Collected();
    const config = procConfigSchema.parse({ interval_s: 0.5, monitor_pids: [child.pid] });
    const collector = procCollector.create({ config, once: false }, contextFor(collected));
    const before = ticks();
    await collector.start();
    await until(() => collected.devices.length >= 4);
    await collector.stop(1000);
    const after = ticks();
    const value = (device: DeviceTelemetry | undefined, name: string) =>
      device?.events.find(({ metricData }) => metricData?.metricName === name)?.metricData?.numericValue ?? Number.NaN;
    for (const device of collected.devices) {
      expect(value(device, "process.cpu.time") * 100).toBeWithin(before, after + 1);
      expect(value(device, "process.cpu.used")).toBeGreaterThan(0);
    }
    // one thread has one processor; what a delay adds to one round is missing from the next
    const used = collected.devices.map((device) => value(device, "process.cpu.used"));
    expect(used.reduce((sum, percent) => sum + percent, 0) / used.length).toBeLessThan(110);
    const descriptors = [...collected.metrics()].find(([key]) => key.startsWith("process.descriptors{"))?.[1];
    const listed = Bun.spawnSync(["ls", `/proc/${child.pid}/fd`])
      .stdout.toString()
      .trim()
      .split("\n").length;
    expect(descriptors).toBe(listed);
    child.kill("SIGKILL");
  }, 15_000);

  test("while there is no room, rounds go on: what starts and ends meanwhile is handed on", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 1 });
    const collected = new Collected();
    const context = { ...contextFor(collected), room: () => new Promise<void>(() => {}) };
    const config = procConfigSchema.parse({ proc_root: proc.path, interval_s: 0.1, top: 0 });
    const collector = procCollector.create({ config, once: false }, context);
    await collector.start();
    await until(() => collected.devices.length > 0);
    proc.add({ pid: 2 });
    await until(() => collected.processes.some(({ kind }) => kind === "start"));
    proc.remove(2);
    await until(() => collected.processes.some(({ kind }) => kind === "exit"));
    await collector.stop(1000);
    expect(collected.processes.map(({ pid, kind }) => `${pid} ${kind}`)).toEqual(["1 seen", "2 start", "2 exit"]);
    expect(collector.health().figures).toMatchObject({ seen: 1, start: 1, exit: 1 });
  }, 20_000);

  test("stop waits for room less than a round does, and what was seen is handed on all the same", async () => {
    using proc = new ProcFolder();
    for (let pid = 1; pid <= 50; pid += 1) proc.add({ pid });
    const collected = new Collected();
    const other: CollectedEvent[] = [];
    const event: CollectedEvent = { kind: "device", tsNs: 0n, payload: new Uint8Array() };
    const never = () => new Promise<void>(() => {});
    const sink = { room: never, emit: (one: CollectedEvent) => other.push(one) };
    // waits as long as a round, and from before it
    const waiting = emitAll(sink, [event], new AbortController().signal);
    const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>();
    const room = () => {
      ask();
      return never();
    };
    const config = procConfigSchema.parse({ proc_root: proc.path, top: 0 });
    const collector = procCollector.create({ config, once: false }, { ...contextFor(collected), room });
    await collector.start();
    await isAsked;
    expect(collected.processes.length).toBe(0);
    await collector.stop(600_000);
    expect(collected.processes.length).toBe(50);
    expect(other).toEqual([]);
    await waiting;
  }, 20_000);

  test("a process that cannot be read leaves the collector degraded until it can", async () => {
    using proc = new ProcFolder();
    proc.add({ pid: 1 });
    proc.write("2/stat/x", "");
    const logged: string[] = [];
    const observer = { ...silentObserver, log: (_level: string, message: string) => void logged.push(message) };
    const collected = new Collected();
    const config = procConfigSchema.parse({ proc_root: proc.path, interval_s: 0.1, top: 0 });
    const collector = procCollector.create({ config, once: false }, { ...contextFor(collected), observer });
    await collector.start();
    await until(() => collected.devices.length >= 2);
    expect(collector.health()).toMatchObject({
      status: "degraded",
      message: expect.stringContaining("; 1 processes could not be read (EISDIR)"),
    });
    proc.add({ pid: 2 });
    await until(() => collector.health().status === "ok");
    await collector.stop(1000);
    expect(collected.processes.map(({ pid, kind }) => `${pid} ${kind}`)).toEqual(["1 seen", "2 seen"]);
    expect(logged).toEqual(["proc: 1 processes could not be read (EISDIR)"]);
  });

  test.skipIf(process.getuid?.() !== 0)("hidepid: what may not be seen is said", async () => {
    const folder = mkdtempSync(join(tmpdir(), "amoskys-hidepid-"));
    const mounted = join(folder, "proc");
    chmodSync(folder, 0o755);
    mkdirSync(mounted);
    cleanups.push(() => {
      Bun.spawnSync(["umount", mounted]);
      rmSync(folder, { recursive: true });
    });
    const messages = new Map<string, string>();
    for (const hidepid of ["1", "2"]) {
      const made = Bun.spawnSync(["mount", "-t", "proc", "-o", `hidepid=${hidepid}`, "proc", mounted]);
      if (made.exitCode !== 0) throw new Error(`mount: ${made.stderr}`);
      const collected = new Collected();
      const config = procConfigSchema.parse({ proc_root: mounted, top: 0 });
      const collector = procCollector.create({ config, once: true }, contextFor(collected));
      // another user for the time of one round, and not in the group 0, which may see all
      process.setegid?.(65_534);
      process.seteuid?.(65_534);
      try {
        await runOnce(collector);
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
        Bun.spawnSync(["umount", mounted]);
      }
      messages.set(hidepid, collector.health().message);
      expect(collected.processes.every(({ pid }) => pid !== 1n)).toBe(true);
    }
    expect(messages.get("1")).toMatch(/; \d+ processes of others are hidden \(hidepid\)/);
    expect(messages.get("2")).toMatch(/; processes of others are hidden \(hidepid\)/);
  });
});

describe.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
  "proc collector without CAP_SYS_PTRACE",
  () => {
    test("has every process, says once what it does not see of them, and is degraded", () => {
      const child = join(import.meta.dir, "start-child.ts");
      const user = ["--bounding-set", "-sys_ptrace", "--inh-caps", "-all"];
      const run = Bun.spawnSync(["setpriv", ...user, process.execPath, child], { env: { PATH: process.env.PATH } });
      const { health, logged, processes } = JSON.parse(run.stdout.toString());
      const what = /file and later executions of \d+ processes are not seen \(CAP_SYS_PTRACE is missing\)/;
      expect(health.status).toBe("degraded");
      expect(health.message).toMatch(what);
      expect(logged).toEqual([expect.stringMatching(what)]);
      // this process has more capabilities than the child, so the kernel keeps its file from it
      const own = processes.find(({ pid }: { pid: number }) => pid === process.pid);
      expect(own).toMatchObject({ exe: "", ppid: process.ppid });
      expect(own.args.length).toBeGreaterThan(0);
      expect(processes.find(({ pid }: { pid: number }) => pid === run.pid)).toMatchObject({ exe: process.execPath });
    });
  },
);
