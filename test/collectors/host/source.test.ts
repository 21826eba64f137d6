import { describe, expect, test } from "bun:test";
import { hostConfigSchema } from "../../../src/collectors/host/index.ts";
import { HostSource } from "../../../src/collectors/host/source.ts";
import { HostFolder } from "./host-folder.ts";

describe("HostSource", () => {
  test("parts that are missing are named, and the rest is there", async () => {
    using folder = new HostFolder();
    folder.set({ cpu: [1, 2, 3, 4, 5, 6, 7, 8, 0, 0], interfaces: { eth0: [1, 2, 3, 4] } });
    folder.write("loadavg", "1.00 2.00 3.00 1/2 3\n");
    const config = hostConfigSchema.parse({ proc_root: folder.path, sys_root: folder.path });
    const sample = await new HostSource(config).sample(() => 7);
    expect(sample).toMatchObject({ atMs: 7, uptimeS: 1000, load: { oneMinute: 1 } });
    expect(sample.missing).toEqual([
      "memory",
      "pressure",
      "disks",
      "sockets",
      "file_systems",
      "frequencies",
      "temperatures",
    ]);
    expect(sample.interfaces.map(({ name }) => name)).toEqual(["eth0"]);
  });

  test("exceptions are left out", async () => {
    using folder = new HostFolder();
    folder.set({
      cpu: [1],
      interfaces: { eth0: [1, 2, 3, 4], tap7: [1, 2, 3, 4] },
      disks: "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n",
    });
    const config = hostConfigSchema.parse({
      proc_root: folder.path,
      sys_root: folder.path,
      exclude_interfaces: ["tap*"],
      exclude_disks: ["sd?"],
    });
    const sample = await new HostSource(config).sample(() => 0);
    expect(sample.interfaces.map(({ name }) => name)).toEqual(["eth0"]);
    expect(sample.disks).toEqual([]);
  });

  test("a missing proc file system is said, with what to do", async () => {
    const source = new HostSource(hostConfigSchema.parse({ proc_root: "/nowhere" }));
    expect(source.sample(() => 0)).rejects.toMatchObject({ code: "facility_missing" });
  });
});
