import { afterAll, describe, expect, test } from "bun:test";
import { rmSync, statfsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { hostCollector, hostConfigSchema } from "../../../src/collectors/host/index.ts";
import { type Labels, silentObserver } from "../../../src/core/observer.ts";
import { pause } from "../../../src/core/pause.ts";
import { until } from "../../procfs/proc-folder.ts";
import { fuseObstacle, mountFuse } from "../../support/fuse-disk.ts";
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
    // waits as long as the round for its second sample, and from before it
    let isOver = false;
    const second = pause(1000, new AbortController().signal).then(() => {
      isOver = true;
    });
    const collector = hostCollector.create({ config, once: false }, contextFor(collected));
    await collector.start();
    const { message, status } = collector.health();
    expect(status).toBe("ok");
    expect(message).toContain("not shown here: memory, load, pressure, disks, interfaces, sockets, file systems");
    await collector.stop(600_000);
    expect(isOver).toBe(false);
    expect(collected.devices).toEqual([]);
    await second;
  });

  test("a part that is gone is a defect until it is back; one that was never there is none", async () => {
    using folder = new HostFolder();
    folder.set({ cpu: [1, 2, 3, 4] });
    folder.write("loadavg", "1.00 2.00 3.00 1/2 3\n");
    const gauges = new Map<string, number>();
    const gauge = (metric: string, value: number, labels: Labels = {}) => {
      gauges.set(`${metric} ${Object.values(labels)}`, value);
    };
    const collected = new Collected();
    const config = hostConfigSchema.parse({ proc_root: folder.path, sys_root: folder.path, interval_s: 1 });
    const context = { ...contextFor(collected), observer: { ...silentObserver, gauge } };
    const collector = hostCollector.create({ config, once: false }, context);
    await collector.start();
    await until(() => gauges.has("amoskys_host_missing_parts load"));
    expect(collector.health().status).toBe("ok");
    expect(gauges.get("amoskys_host_missing_parts load")).toBe(0);
    expect(gauges.get("amoskys_host_missing_parts temperatures")).toBe(1);
    rmSync(join(folder.path, "loadavg"));
    await until(() => gauges.get("amoskys_host_missing_parts load") === 1);
    const { status, message } = collector.health();
    expect(status).toBe("degraded");
    expect(message).toMatch(/ metrics a round; not shown here: memory, .*temperatures; no longer shown: load$/);
    folder.write("loadavg", "1.00 2.00 3.00 1/2 3\n");
    await until(() => gauges.get("amoskys_host_missing_parts load") === 0);
    expect(collector.health().status).toBe("ok");
    await collector.stop(1000);
  });

  test("while there is no room, rounds go on", async () => {
    using folder = new HostFolder();
    folder.set({ cpu: [1, 2, 3, 4] });
    const collected = new Collected();
    const config = hostConfigSchema.parse({ proc_root: folder.path, sys_root: folder.path, interval_s: 1 });
    const room = () => new Promise<void>(() => {});
    const collector = hostCollector.create({ config, once: false }, { ...contextFor(collected), room });
    await collector.start();
    await until(() => collected.devices.length >= 2);
    await collector.stop(1000);
  }, 20_000);

  test.skipIf(fuseObstacle() !== undefined)(
    "a file system that does not answer is told and counted",
    async () => {
      await using silent = await mountFuse("fuse.sshfs", { silent: true });
      await using told = await mountFuse("fuse.glusterfs", { bsize: 1 << 20, frsize: 512 });
      using folder = new HostFolder();
      folder.set({ cpu: [1, 2, 3, 4] });
      // no folder can be mounted below a file
      const refused = "40 22 0:44 / /etc/passwd/x rw - nfs4 server:/x rw\n";
      const gone = "41 22 0:45 / /nowhere rw - nfs4 server:/y rw\n";
      folder.write("1/mountinfo", `${silent.mountLine}${told.mountLine}${refused}${gone}`);
      const gauges = new Map<string, number>();
      const gauge = (metric: string, value: number, labels: Labels = {}) => {
        gauges.set(`${metric} ${Object.values(labels)}`, value);
      };
      const collected = new Collected();
      const settings = { proc_root: folder.path, sys_root: folder.path, network_file_systems: true };
      const context = { ...contextFor(collected), observer: { ...silentObserver, gauge } };
      const collector = hostCollector.create({ config: hostConfigSchema.parse(settings), once: true }, context);
      await runOnce(collector);
      const sizes = [...collected.metrics()].filter(([key]) => key.startsWith("host.filesystem.size{"));
      expect(sizes).toEqual([[expect.stringContaining("type=fuse.glusterfs"), 512_000]]);
      const { status, message, figures } = collector.health();
      expect(status).toBe("degraded");
      expect(message).toEndWith(
        `; file systems that do not answer: ${silent.folder} (silent), /etc/passwd/x (ENOTDIR)`,
      );
      expect(figures).toMatchObject({ file_systems: 1, unanswered_file_systems: 2 });
      expect(gauges.get("amoskys_host_unanswered_file_systems silent")).toBe(1);
      expect(gauges.get("amoskys_host_unanswered_file_systems refused")).toBe(1);
    },
    20_000,
  );

  test("no /proc: it cannot start", async () => {
    const config = hostConfigSchema.parse({ proc_root: "/nowhere" });
    const collector = hostCollector.create({ config, once: true }, contextFor(new Collected()));
    expect(collector.start()).rejects.toMatchObject({ code: "facility_missing" });
  });
});
