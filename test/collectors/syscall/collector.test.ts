import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { syscallCollector, syscallConfigSchema } from "../../../src/collectors/syscall/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { CollectorContext } from "../../../src/core/collector.ts";
import type { CollectedEvent } from "../../../src/core/event.ts";
import { type Labels, silentObserver } from "../../../src/core/observer.ts";
import { metrics } from "../../../src/data/metrics.ts";
import { type ProcessEvent, ProcessEventSchema } from "../../../src/gen/messaging_schema_pb.ts";
import { DeviceTelemetrySchema } from "../../../src/gen/universal_telemetry_pb.ts";
import { entityIdOf, parseCgroup, readBootId } from "../../../src/procfs/index.ts";
import { bpfObstacle } from "../../support/bpf.ts";
import { eventually } from "../../support/eventually.ts";

class Context implements CollectorContext {
  readonly events: CollectedEvent[] = [];
  readonly counted = new Map<string, number>();
  readonly logged: string[] = [];
  readonly clock = systemClock;
  lost = 0;
  /** How many events find room. */
  capacity = Number.POSITIVE_INFINITY;

  readonly observer = {
    ...silentObserver,
    count: (metric: string, _labels: Labels = {}, by = 1) => {
      expect(metrics.some(({ name }) => name === metric)).toBe(true);
      this.counted.set(metric, (this.counted.get(metric) ?? 0) + by);
    },
    gauge: (metric: string) => expect(metrics.some(({ name }) => name === metric)).toBe(true),
    log: (_level: string, message: string) => void this.logged.push(message),
  };

  readonly emit = (event: CollectedEvent) => void this.events.push(event);

  readonly lose = (count: number, startNs: bigint, endNs: bigint) => {
    expect(endNs).toBeGreaterThanOrEqual(startNs);
    this.lost += count;
  };

  readonly spawnWorker = (): never => {
    throw new Error("no thread is needed");
  };

  room = async (): Promise<void> => {
    while (this.events.length >= this.capacity) await Bun.sleep(5);
  };

  /** What was executed by a child of that process. */
  executedBy(parent: number): ProcessEvent[] {
    return this.events
      .filter(({ kind }) => kind === "process")
      .map(({ payload }) => fromBinary(ProcessEventSchema, payload))
      .filter(({ ppid }) => ppid === BigInt(parent));
  }

  metric(name: string): number[] {
    return this.events
      .filter(({ kind }) => kind === "device")
      .flatMap(({ payload }) => fromBinary(DeviceTelemetrySchema, payload).events)
      .filter(({ metricData }) => metricData?.metricName === name)
      .map(({ metricData }) => metricData?.numericValue as number);
  }
}

type Settings = Parameters<typeof syscallConfigSchema.parse>[0];

function collectorFor(context: Context, settings: Settings = {}, once = false) {
  return syscallCollector.create({ config: syscallConfigSchema.parse(settings), once }, context);
}

async function run(...command: string[]): Promise<number> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  await child.exited;
  return child.pid;
}

describe.skipIf(bpfObstacle() !== undefined)("syscallCollector", () => {
  test("sees each of 5,000 executions, or declares it lost", async () => {
    const context = new Context();
    const collector = collectorFor(context, { interval_s: 1 });
    await collector.start();
    const shell = await run("sh", "-c", "i=0; while [ $i -lt 5000 ]; do /bin/true $i; i=$((i + 1)); done");
    await collector.stop(1000);
    const seen = context.executedBy(shell);
    expect([seen.length, context.lost]).toEqual([5000, 0]);
    expect(new Set(seen.map(({ args }) => args[1])).size).toBe(5000);
    expect(seen.every(({ exe, kind, source }) => exe === "/bin/true" && kind === "exec" && source === "ebpf")).toBe(
      true,
    );
    expect(context.counted.get("amoskys_syscall_execs_total")).toBeGreaterThanOrEqual(5001);
    expect(collector.health().status).toBe("ok");
  }, 60_000);

  test("an execution has the time, the user and the identity that /proc has", async () => {
    const context = new Context();
    const collector = collectorFor(context, { args_bytes_max: 64 });
    await collector.start();
    const beforeMs = Date.now();
    const child = Bun.spawn(["sleep", "30", "x".repeat(100)], { stderr: "ignore" });
    const sleeper = Bun.spawn(["sleep", "30"]);
    await eventually("both are seen", () => context.executedBy(process.pid).length >= 2);
    const stat = readFileSync(`/proc/${sleeper.pid}/stat`, "latin1");
    const { path } = parseCgroup(readFileSync(`/proc/${sleeper.pid}/cgroup`, "utf8"));
    sleeper.kill();
    await Promise.all([child.exited, sleeper.exited]);
    await collector.stop(1000);
    const event = context.executedBy(process.pid).find(({ pid }) => pid === BigInt(sleeper.pid));
    const startTicks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    expect(event).toMatchObject({
      args: ["sleep", "30"],
      uid: process.getuid?.() as number,
      gid: process.getgid?.() as number,
      cgroup: path,
      entityId: entityIdOf(readBootId("/proc"), sleeper.pid, startTicks),
    });
    expect(event?.exe).toEndWith("/sleep");
    const tsNs = context.events.find(({ payload }) => Buffer.from(payload).includes(event?.entityId as string))?.tsNs;
    expect(Number((tsNs ?? 0n) / 1_000_000n)).toBeWithin(beforeMs - 5, Date.now() + 5);
    const cut = context.executedBy(process.pid).find(({ pid }) => pid === BigInt(child.pid));
    expect(cut?.args).toEqual(["sleep", "30", "x".repeat(55), "[... truncated]"]);
  });

  test("declares executions that the ring buffer had no room for", async () => {
    const context = new Context();
    const collector = collectorFor(context, { ring_bytes: 1 << 16, args_bytes_max: 16_384 });
    await collector.start();
    // nothing reads the ring while this thread waits for the child
    const execute = () => Bun.spawnSync(["sh", "-c", "i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i + 1)); done"]).pid;
    const children = [execute()];
    await eventually("the first loss is declared", () => context.lost > 0);
    children.push(execute());
    await collector.stop(1000);
    const seen = children.flatMap((pid) => context.executedBy(pid)).length;
    expect(seen).toBeLessThanOrEqual(6);
    expect(context.lost).toBeGreaterThanOrEqual(100 - seen);
    expect(context.metric("syscall.exec.lost")).toEqual([context.lost]);
    expect(context.counted.get("amoskys_syscall_execs_lost_total")).toBe(context.lost);
    // the second loss is counted, and too soon for another line
    expect(context.logged).toEqual([expect.stringContaining("found no room in the ring buffer")]);
    expect(collector.health()).toMatchObject({
      status: "degraded",
      message: expect.stringContaining(`; ${context.lost} executions found no room (syscall.ring_bytes)`),
    });
  });

  test("leaves executions in the ring buffer while there is no room for their events", async () => {
    const context = new Context();
    context.capacity = 0;
    const collector = collectorFor(context);
    await collector.start();
    const shell = await run("sh", "-c", "/bin/true; /bin/true");
    await Bun.sleep(250);
    expect(context.events).toEqual([]);
    context.capacity = Number.POSITIVE_INFINITY;
    await eventually("they are handed on", () => context.executedBy(shell).length === 2);
    await collector.stop(1000);
    expect(context.lost).toBe(0);
  });

  test("counts and reports on while there is no room at all, and stop waits for none", async () => {
    const context = new Context();
    context.room = () => new Promise(() => {});
    const collector = collectorFor(context, { interval_s: 0.2 });
    await collector.start();
    const shell = await run("sh", "-c", "/bin/true; /bin/true");
    await eventually("five reports", () => context.metric("syscall.all.count").length >= 5);
    expect(collector.health().figures.calls).toBeGreaterThan(0);
    // the time that it waits for room is over then, and the outbox declares what it cannot hold
    await eventually("they are handed on", () => context.executedBy(shell).length === 2);
    const last = await run("sh", "-c", "/bin/true; /bin/true");
    await collector.stop(600_000);
    expect(context.executedBy(last).length).toBe(2);
    expect(context.lost).toBe(0);
  }, 20_000);

  test("a call without room among the pairs is in the totals: said, but no defect", async () => {
    const context = new Context();
    const collector = collectorFor(context, { interval_s: 86_400, pairs_max: 64, exec_events: false });
    await collector.start();
    await run("sh", "-c", "ls /; cat /proc/self/status; chroot /nonexistent/folder /bin/true; sleep 0; date");
    await collector.stop(1000);
    const { status, message } = collector.health();
    expect([status, message]).toEqual([
      "ok",
      expect.stringMatching(/in \d+ s, \d+ of them without their process \(syscall\.pairs_max\)$/),
    ]);
  });

  test("reports each interval by itself, and the last one when it is stopped", async () => {
    const context = new Context();
    const collector = collectorFor(context, { interval_s: 0.2, exec_events: false });
    await collector.start();
    await eventually("three reports", () => context.metric("syscall.all.count").length >= 3);
    await collector.stop(1000);
    const counts = context.metric("syscall.all.count");
    expect(counts.length).toBeGreaterThanOrEqual(4);
    expect(counts.some((count) => count > 0)).toBe(true);
    expect(context.counted.get("amoskys_syscall_calls_total")).toBe(counts.reduce((sum, count) => sum + count, 0));
    expect(context.events.every(({ kind }) => kind === "device")).toBe(true);
    await collector.stop(1000);
    expect(context.metric("syscall.all.count").length).toBe(counts.length);
  });

  test("makes one report over one interval where it is asked for one", async () => {
    const context = new Context();
    const collector = collectorFor(context, { interval_s: 0.3 }, true);
    const startMs = performance.now();
    await collector.start();
    await collector.done;
    expect(performance.now() - startMs).toBeGreaterThan(290);
    expect(context.metric("syscall.all.processes").length).toBe(1);
    await collector.stop(1000);
    expect(collector.health().message).toMatch(/^\d+ calls of \d+ processes in \d+ s$/);
  });

  test.skipIf(Bun.which("prlimit") === null)("counts on, degraded, where the ring buffer cannot be had", () => {
    const child = join(import.meta.dir, "start-child.ts");
    const run = Bun.spawnSync([process.execPath, child, String(64 << 20)], { env: { PATH: process.env.PATH } });
    const { health, logged } = JSON.parse(run.stdout.toString());
    expect(health.status).toBe("degraded");
    expect(health.message).toMatch(
      /^\d+ calls of \d+ processes in 1 s; executions are not seen: Cannot map a BPF ring buffer/,
    );
    expect(health.figures.calls).toBeGreaterThan(0);
    expect(logged).toEqual([expect.stringMatching(/^syscall: executions are not seen: Cannot map a BPF ring buffer/)]);
  });

  test("leaves no descriptor behind, also after several runs", async () => {
    const descriptors = () => readdirSync("/proc/self/fd").length;
    const cycle = async () => {
      const collector = collectorFor(new Context(), { interval_s: 0.1 });
      await collector.start();
      await Bun.sleep(150);
      await collector.stop(1000);
    };
    await cycle();
    const before = descriptors();
    for (let i = 0; i < 3; i += 1) await cycle();
    expect(descriptors()).toBe(before);
  });
});

describe.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
  "syscallCollector without privileges",
  () => {
    test("says in one line what is missing and what is lost", async () => {
      const child = join(import.meta.dir, "start-child.ts");
      const user = ["--bounding-set", "-all", "--inh-caps", "-all"];
      const run = Bun.spawnSync(["setpriv", ...user, process.execPath, child], { env: { PATH: process.env.PATH } });
      expect(JSON.parse(run.stdout.toString())).toEqual({
        code: "privilege_missing",
        message:
          'System calls and executions cannot be seen: Cannot load the BPF program "amoskys_own": ' +
          "CAP_BPF and CAP_PERFMON are missing",
        hint: "sudo amoskys, or a service with AmbientCapabilities=CAP_BPF CAP_PERFMON; see amoskys doctor",
        exitStatus: 14,
      });
    });
  },
);
