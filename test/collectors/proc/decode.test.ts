import { describe, expect, test } from "bun:test";
import { monitored, processEvent, roundTelemetry } from "../../../src/collectors/proc/decode.ts";
import { procConfigSchema } from "../../../src/collectors/proc/index.ts";
import type { TrackedProcess } from "../../../src/collectors/proc/tracked-process.ts";
import { Collected } from "./run-collector.ts";

function tracked(pid: number, changes: Partial<TrackedProcess> = {}): TrackedProcess {
  return {
    pid,
    startTicks: 5,
    startNs: 1_700_000_000_050_000_000n,
    entityId: `e${pid}`,
    isSelected: true,
    name: `p${pid}`,
    facts: {
      exe: "/bin/x",
      args: ["x", "-y"],
      isExeHidden: false,
      uid: 33,
      gid: 44,
      cgroup: { path: "/docker/c", containerId: "c".repeat(64), isUnified: true },
    },
    ppid: 9,
    state: "S",
    threads: 2,
    virtualBytes: 4096,
    residentBytes: 1024,
    cpuTicks: 250,
    cpuPercent: 12.5,
    lookedMs: 0,
    nameHash: 0,
    imageHash: 0,
    round: 1,
    ...changes,
  };
}

const config = (settings: object) => procConfigSchema.parse(settings);
const device = { deviceId: "h", deviceType: "ENDPOINT", protocol: "PROC", collector: "proc" } as const;

describe("processEvent", () => {
  test("has every fact, and a time of exit only at the exit", () => {
    const collected = new Collected();
    collected.take(processEvent("start", tracked(7), 123n));
    collected.take(processEvent("exit", tracked(7), 456n));
    const [start, exit] = collected.processes;
    const facts = {
      pid: 7n,
      ppid: 9n,
      exe: "/bin/x",
      args: ["x", "-y"],
      startTsNs: 1_700_000_000_050_000_000n,
      uid: 33,
      gid: 44,
      cgroup: "/docker/c",
      containerId: "c".repeat(64),
      source: "poll",
      entityId: "e7",
    };
    expect(start).toMatchObject({ ...facts, kind: "start", exitTimeNs: 0n });
    expect(exit).toMatchObject({ ...facts, kind: "exit", exitTimeNs: 456n });
  });
});

describe("monitored", () => {
  const all = [1, 2, 3, 4, 5].map((pid) => tracked(pid, { cpuPercent: pid, residentBytes: 100 - pid }));
  const pids = (settings: object) => monitored(all, config(settings)).map(({ pid }) => pid);

  test("the top ones by CPU and by memory, or the listed ones", () => {
    expect(pids({ top: 1 })).toEqual([5, 1]);
    expect(pids({ top: 2 })).toEqual([5, 4, 1, 2]);
    expect(pids({ top: 10 })).toHaveLength(5);
    expect(pids({ top: 0 })).toEqual([]);
    expect(pids({ top: 1, monitor_pids: [3], monitor_names: ["p2"] })).toEqual([2, 3]);
  });
});

describe("roundTelemetry", () => {
  test("counts by state, figures of the monitored, and no descriptors where they may not be seen", () => {
    const processes = [tracked(1), tracked(2, { state: "R" }), tracked(3)];
    const telemetry = roundTelemetry({
      device,
      nowNs: 5n,
      processes,
      monitored: processes.slice(0, 2),
      descriptors: (pid) => (pid === 1 ? 4 : undefined),
      residentBytes: (pid) => (pid === 1 ? 2048 : undefined),
    });
    const collected = new Collected();
    for (const event of telemetry.build()) collected.take(event);
    const metrics = collected.metrics();
    expect(metrics.get("process.count{state=S}")).toBe(2);
    expect(metrics.get("process.count{state=R}")).toBe(1);
    expect(metrics.get("process.all.threads")).toBe(6);
    const labels = "{entity_id=e1,name=p1,pid=1}";
    expect(metrics.get(`process.cpu.used${labels}`)).toBe(12.5);
    expect(metrics.get(`process.cpu.time${labels}`)).toBe(2.5);
    expect(metrics.get(`process.memory.resident${labels}`)).toBe(2048);
    expect(metrics.get("process.memory.resident{entity_id=e2,name=p2,pid=2}")).toBe(1024);
    expect(metrics.get(`process.memory.virtual${labels}`)).toBe(4096);
    expect(metrics.get(`process.threads${labels}`)).toBe(2);
    expect(metrics.get(`process.descriptors${labels}`)).toBe(4);
    expect(metrics.has("process.descriptors{entity_id=e2,name=p2,pid=2}")).toBe(false);
    const states = collected.devices[0]?.events.filter(({ metricData }) => metricData?.metricName === "process.state");
    expect(states?.map(({ metricData }) => metricData?.stringValue)).toEqual(["S", "R"]);
  });
});
