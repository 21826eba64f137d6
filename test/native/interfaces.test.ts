import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findInterface, listInterfaces, openLinkMonitor, Poller } from "../../src/native/index.ts";
import { NetworkNamespace, namespaceObstacle } from "../support/network-namespace.ts";

describe("interfaces", () => {
  test("finds the loopback as the kernel shows it", async () => {
    const lo = findInterface("lo");
    const read = async (name: string) => (await Bun.file(`/sys/class/net/lo/${name}`).text()).trim();
    expect(lo.loopback).toBe(true);
    expect(String(lo.index)).toBe(await read("ifindex"));
    expect(String(lo.mtu)).toBe(await read("mtu"));
    expect(String(lo.hardwareType)).toBe(await read("type"));
    expect(lo.up).toBe((Number(await read("flags")) & 1) === 1);
  });

  test("lists what /sys/class/net lists", async () => {
    const names = [...new Bun.Glob("*").scanSync({ cwd: "/sys/class/net", onlyFiles: false })].sort();
    expect(
      listInterfaces()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.filter((name) => name !== "bonding_masters"));
  });

  test("an unknown name gets the nearest one, or all there are", () => {
    const known = [{ ...findInterface("lo"), name: "enp3s0" }, findInterface("lo")];
    expect(() => findInterface("enp3so", known)).toThrow(
      expect.objectContaining({
        code: "unknown_interface",
        message: 'There is no network interface "enp3so"',
        hint: "--iface enp3s0",
      }),
    );
    expect(() => findInterface("wlan0", known)).toThrow(expect.objectContaining({ hint: "one of enp3s0, lo" }));
  });
});

const obstacle = namespaceObstacle();

describe.skipIf(obstacle !== undefined)("interfaces of a namespace", () => {
  let space: NetworkNamespace;
  beforeAll(() => {
    space = new NetworkNamespace();
  });
  afterAll(() => space?.remove());

  test("only its own are listed, also where /sys shows another namespace's", () => {
    expect(space.within(() => listInterfaces().map(({ name, up }) => [name, up]))).toEqual([["lo", false]]);
  });

  test("the monitor tells of an interface that comes, changes and goes", () => {
    const monitor = space.within(openLinkMonitor);
    try {
      const poller = new Poller();
      poller.watch([monitor.fd]);
      const names = () => space.within(() => listInterfaces().map(({ name, up }) => `${name}${up ? "+" : ""}`));
      expect(monitor.changed()).toBe(false);
      space.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1");
      expect(poller.wait(1000)).toBe(1);
      expect(monitor.changed()).toBe(true);
      expect(monitor.changed()).toBe(false);
      expect(names()).toEqual(["lo", "veth1", "veth0"]);
      space.ip("link", "set", "veth0", "up");
      expect(monitor.changed()).toBe(true);
      expect(names()).toEqual(["lo", "veth1", "veth0+"]);
      space.ip("link", "del", "veth0");
      expect(monitor.changed()).toBe(true);
      expect(names()).toEqual(["lo"]);
    } finally {
      monitor.close();
      monitor.close();
    }
    expect(monitor.changed()).toBe(false);
  });

  test("more interfaces than one answer holds are all listed, with their counters", () => {
    const count = 60;
    const batch = Array.from({ length: count }, (_, i) => `link add many${i} type veth peer name peer${i}\n`).join("");
    const made = Bun.spawnSync(["ip", "-n", space.name, "-batch", "-"], { stdin: Buffer.from(batch) });
    expect(made.exitCode).toBe(0);
    const all = space.within(listInterfaces);
    expect(all.length).toBe(2 * count + 1);
    expect(new Set(all.map(({ name }) => name)).size).toBe(2 * count + 1);
    expect(all.every(({ counters, mtu }) => counters.rxBytes === 0n && mtu > 0)).toBe(true);
  });
});
