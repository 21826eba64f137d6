import { afterAll, describe, expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { hostname } from "node:os";
import { hostCollector, hostConfigSchema } from "../../../src/collectors/host/index.ts";
import { until } from "../../procfs/proc-folder.ts";
import { Collected, contextFor, runOnce } from "../proc/run-collector.ts";
import { HostFolder } from "./host-folder.ts";

const children: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

describe("host collector", () => {
  test("one round of this host: two samples a second apart, and what other programs say of it", async () => {
    const spin = Bun.spawn(["sh", "-c", "while :; do :; done"]);
    children.push(spin);
    const collected = new Collected();
    const startMs = performance.now();
    await runOnce(hostCollector.create({ config: hostConfigSchema.parse({}), once: true }, contextFor(collected)));
    expect(performance.now() - startMs).toBeGreaterThan(990);
    spin.kill("SIGKILL");
    expect(collected.refused).toEqual([]);
    expect(collected.devices[0]).toMatchObject({
      deviceId: hostname(),
      deviceType: "ENDPOINT",
      collectionAgent: "host",
    });
    const metrics = collected.metrics();
    const modes = [...metrics].filter(([key]) => key.startsWith("host.cpu.used{cpu=all,"));
    expect(modes.reduce((sum, [, percent]) => sum + percent, 0)).toBeCloseTo(100, 6);
    const processors = Number(Bun.spawnSync(["getconf", "_NPROCESSORS_ONLN"]).stdout.toString());
    expect(metrics.get("host.cpu.count")).toBe(processors);
    expect(metrics.get("cpu.total")).toBeGreaterThan(50 / processors);
    const free = Bun.spawnSync(["free", "-b"]).stdout.toString();
    expect(metrics.get("host.memory.total")).toBe(Number(/^Mem: +(\d+)/m.exec(free)?.[1]));
    const { blocks, bsize, files } = statfsSync("/");
    const root = [...metrics].find(([key]) => key.startsWith("host.filesystem.size{") && key.includes("mount=/,"));
    if (root) {
      expect(root[1]).toBe(blocks * bsize);
      expect(metrics.get(root[0].replace("size", "inodes"))).toBe(files);
    }
    const uptimeS = Number(Bun.spawnSync(["cut", "-d ", "-f1", "/proc/uptime"]).stdout.toString());
    expect(Math.abs((metrics.get("host.uptime") ?? 0) - uptimeS)).toBeLessThan(5);
  });

  test("rates are what the totals of two rounds say", async () => {
    const collected = new Collected();
    const config = hostConfigSchema.parse({ interval_s: 1 });
    const collector = hostCollector.create({ config, once: false }, contextFor(collected));
    await collector.start();
    await until(() => collected.devices.length >= 2);
    await collector.stop(2000);
    const [first, second] = collected.devices.map((device) => {
      const only = new Collected();
      only.devices.push(device);
      return only.metrics();
    });
    const key = "host.interface.bytes_in{interface=lo}";
    const counted = (second?.get(key) ?? 0) - (first?.get(key) ?? 0);
    const seconds = Number(collected.devices[1]?.collectionIntervalMs) / 1000;
    const rate = second?.get("host.interface.bytes_in.rate{interface=lo}") ?? Number.NaN;
    expect(seconds).toBeGreaterThan(0.3);
    expect(Math.abs(rate * seconds - counted)).toBeLessThanOrEqual(counted * 0.01 + 1);
  });

  test("what is missing is said, and stop ends a round that waits", async () => {
    using folder = new HostFolder();
    folder.set({ cpu: [1, 2, 3, 4] });
    const collected = new Collected();
    const config = hostConfigSchema.parse({ proc_root: folder.path, sys_root: folder.path });
    const collector = hostCollector.create({ config, once: false }, contextFor(collected));
    await collector.start();
    const { message, status } = collector.health();
    expect(status).toBe("ok");
    expect(message).toContain("not shown here: memory, load, pressure, disks, interfaces, sockets, file systems");
    const startMs = performance.now();
    await collector.stop(5000);
    expect(performance.now() - startMs).toBeLessThan(900);
    expect(collected.devices).toEqual([]);
  });

  test("no /proc: it cannot start", async () => {
    const config = hostConfigSchema.parse({ proc_root: "/nowhere" });
    const collector = hostCollector.create({ config, once: true }, contextFor(new Collected()));
    expect(collector.start()).rejects.toMatchObject({ code: "facility_missing" });
  });
});
