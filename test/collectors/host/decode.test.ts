import { describe, expect, test } from "bun:test";
import { hostTelemetry } from "../../../src/collectors/host/decode.ts";
import type { HostSample } from "../../../src/collectors/host/host-sample.ts";
import { hostConfigSchema } from "../../../src/collectors/host/index.ts";
import { HostSource } from "../../../src/collectors/host/source.ts";
import { Collected } from "../proc/run-collector.ts";
import { HostFolder, type HostState } from "./host-folder.ts";

const device = { deviceId: "h", deviceType: "ENDPOINT", protocol: "PROC", collector: "host" } as const;

/** The metrics of two states that lie `seconds` apart. */
async function metricsOf(before: HostState, now: HostState, seconds = 10, settings: object = {}) {
  using folder = new HostFolder();
  const config = hostConfigSchema.parse({ proc_root: folder.path, sys_root: folder.path, ...settings });
  const source = new HostSource(config);
  const samples: HostSample[] = [];
  for (const [i, state] of [before, now].entries()) {
    folder.set(state);
    samples.push(await source.sample(() => i * seconds * 1000));
  }
  const [first, second] = samples as [HostSample, HostSample];
  const collected = new Collected();
  const telemetry = hostTelemetry(device, 5n, { before: first, now: second, seconds }, config);
  for (const event of telemetry.build()) collected.take(event);
  return { metrics: collected.metrics(), collected };
}

const idle = [0, 0, 0, 100, 0, 0, 0, 0, 0, 0];

describe("hostTelemetry", () => {
  test("processors: percent of the interval, guests not counted twice, unused modes left out", async () => {
    const { metrics } = await metricsOf(
      { cpu: [100, 0, 50, 1000, 10, 0, 5, 2, 0, 0], cpu0: idle },
      { cpu: [140, 0, 60, 1035, 15, 0, 5, 12, 30, 0], cpu0: [0, 0, 0, 200, 0, 0, 0, 0, 0, 0] },
    );
    const used = (mode: string, cpu = "all") => metrics.get(`host.cpu.used{cpu=${cpu},mode=${mode}}`);
    expect(used("user")).toBe(40);
    expect(used("system")).toBe(10);
    expect(used("idle")).toBe(35);
    expect(used("iowait")).toBe(5);
    expect(used("steal")).toBe(10);
    expect(used("nice")).toBeUndefined();
    expect(metrics.get("cpu.total")).toBe(60);
    expect(used("idle", "0")).toBe(100);
    expect(used("user", "0")).toBeUndefined();
    expect(metrics.get("host.cpu.time{mode=user}")).toBe(1.4);
    expect(metrics.get("host.context_switches")).toBe(77);
  });

  test("a counter of idle time that goes back makes no negative percentage; no time passed makes none", async () => {
    const { metrics } = await metricsOf(
      { cpu: [100, 0, 0, 1000, 50, 0, 0, 0, 0, 0] },
      { cpu: [110, 0, 0, 1010, 49, 0, 0, 0, 0, 0] },
    );
    expect(metrics.get("host.cpu.used{cpu=all,mode=iowait}")).toBe(0);
    expect(metrics.get("host.cpu.used{cpu=all,mode=user}")).toBe(50);
    const none = await metricsOf({ cpu: idle }, { cpu: idle });
    expect(none.metrics.has("cpu.total")).toBe(false);
    expect([...none.metrics.values()].every(Number.isFinite)).toBe(true);
  });

  test("interfaces: totals, and rates across wraps, resets and interfaces made anew", async () => {
    const { metrics } = await metricsOf(
      {
        cpu: idle,
        interfaces: {
          eth0: [1000, 10, 500, 5],
          eth1: [4_294_967_000, 10, 500, 5],
          eth2: [18_446_744_073_709_551_000n, 10, 500, 5],
          eth3: [4_294_967_000, 1000, 500, 5],
          eth4: [10_000, 10, 500, 5],
          veth1: [1, 1, 1, 1],
        },
        indexes: { eth4: 4 },
      },
      {
        cpu: idle,
        interfaces: {
          eth0: [3000, 20, 500, 5],
          eth1: [704, 20, 500, 5],
          eth2: [384, 20, 500, 5],
          eth3: [704, 20, 100, 5],
          eth4: [20_000, 20, 600, 6],
          eth5: [7, 7, 7, 7],
          veth1: [2, 2, 2, 2],
        },
        indexes: { eth4: 9 },
      },
    );
    const rate = (name: string, what = "bytes_in") => metrics.get(`host.interface.${what}.rate{interface=${name}}`);
    expect(rate("eth0")).toBe(200);
    expect(rate("eth0", "packets_in")).toBe(1);
    expect(rate("eth0", "errors_in")).toBe(0);
    expect(rate("eth1")).toBe(100);
    expect(rate("eth2")).toBe(100);
    expect(rate("eth3")).toBe(70.4);
    expect(rate("eth4")).toBe(2000);
    expect(rate("eth5")).toBeUndefined();
    expect(metrics.get("host.interface.bytes_in{interface=eth5}")).toBe(7);
    expect(metrics.get("host.interface.drops_out{interface=eth0}")).toBe(4);
    expect(metrics.has("host.interface.bytes_in{interface=veth1}")).toBe(false);
  });

  test("disks: bytes, operations, share of time, across a wrap of the milliseconds; no partitions", async () => {
    const { metrics } = await metricsOf(
      {
        cpu: idle,
        disks: "8 0 sda 10 0 100 4 20 0 200 8 0 4294966000 9\n8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n",
      },
      { cpu: idle, disks: "8 0 sda 30 0 300 704 20 0 200 8 3 704 9\n8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n" },
    );
    const of = (name: string) => metrics.get(`host.disk.${name}{disk=sda}`);
    expect(of("read_bytes")).toBe(153_600);
    expect(of("read_bytes.rate")).toBe(10_240);
    expect(of("reads.rate")).toBe(2);
    expect(of("written_bytes.rate")).toBe(0);
    expect(of("busy")).toBeCloseTo(20, 6);
    expect(of("in_flight")).toBe(3);
    expect([...metrics.keys()].some((key) => key.includes("sda1"))).toBe(false);
  });

  test("what is busy all the time, and a little more by another clock, is 100 percent", async () => {
    const { metrics } = await metricsOf(
      { cpu: idle, disks: "8 0 sda 10 0 100 1 20 0 200 8 0 4294966000 9\n" },
      { cpu: idle, disks: "8 0 sda 30 0 300 1 20 0 200 8 3 9704 9\n" },
    );
    expect(metrics.get("host.disk.busy{disk=sda}")).toBe(100);
  });

  test("what the kernel does not show is not made up", async () => {
    const { metrics, collected } = await metricsOf({ cpu: idle }, { cpu: idle });
    const names = [...metrics.keys()].join(" ");
    for (const part of ["memory", "pressure", "load", "disk", "filesystem", "interface", "frequency"]) {
      expect(names).not.toContain(`host.${part}`);
    }
    expect(collected.devices[0]?.events[0]?.statusData).toMatchObject({ componentName: "host", memoryUsagePercent: 0 });
  });

  test("every metric has a unit", async () => {
    const { collected } = await metricsOf({ cpu: idle }, { cpu: [5, 5, 5, 105, 5, 5, 5, 5, 0, 0] });
    const metrics = collected.devices.flatMap(({ events }) => events).flatMap(({ metricData }) => metricData ?? []);
    expect(metrics.length).toBeGreaterThan(20);
    expect(metrics.filter(({ unit }) => unit === "")).toEqual([]);
  });

  test("sockets by protocol with their memory in bytes, and temperatures by sensor", async () => {
    using folder = new HostFolder();
    folder.set({ cpu: idle });
    folder.write("net/sockstat", "sockets: used 9\nTCP: inuse 4 orphan 1 tw 2 alloc 3 mem 2\nFRAG: inuse 0 memory 7\n");
    folder.write("net/sockstat6", "TCP6: inuse 5\n");
    folder.write("class/hwmon/hwmon3/name", "k10temp\n");
    folder.write("class/hwmon/hwmon3/temp1_input", "40125\n");
    const config = hostConfigSchema.parse({ proc_root: folder.path, sys_root: folder.path });
    const sample = await new HostSource(config).sample(() => 0);
    const collected = new Collected();
    const telemetry = hostTelemetry(device, 5n, { before: sample, now: sample, seconds: 0 }, config);
    for (const event of telemetry.build()) collected.take(event);
    const found = [...collected.metrics()].filter(([key]) => /sockets|temperature/.test(key));
    expect(Object.fromEntries(found)).toEqual({
      "host.sockets.used": 9,
      "host.sockets.in_use{protocol=tcp}": 4,
      "host.sockets.in_use{protocol=tcp6}": 5,
      "host.sockets.in_use{protocol=frag}": 0,
      "host.sockets.memory{protocol=tcp}": 2 * sample.pageBytes,
      "host.sockets.memory{protocol=frag}": 7,
      "host.sockets.tcp.orphaned": 1,
      "host.sockets.tcp.time_wait": 2,
      "host.sockets.tcp.allocated": 3,
      "host.temperature{chip=k10temp,device=hwmon3,sensor=temp1}": 40.125,
    });
  });
});
