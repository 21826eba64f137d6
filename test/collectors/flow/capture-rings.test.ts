import { afterEach, describe, expect, test } from "bun:test";
import { CaptureRings, type CaptureRingsOptions } from "../../../src/collectors/flow/capture-rings.ts";
import { Poller } from "../../../src/native/index.ts";
import { createVethPair, namespaceObstacle, type VethPair } from "../../support/network-namespace.ts";

const pairs: VethPair[] = [];
const opened: CaptureRings[] = [];

afterEach(() => {
  for (const rings of opened.splice(0)) rings.close();
  for (const pair of pairs.splice(0)) pair.remove();
});

function createPair(): VethPair {
  const pair = createVethPair();
  pairs.push(pair);
  return pair;
}

function createRings(options: Partial<CaptureRingsOptions> = {}) {
  const told: string[] = [];
  const names = new Map<number, string>();
  const frames: number[] = [];
  const rings = new CaptureRings({
    interfaces: [],
    ringBytes: 1 << 20,
    promiscuous: false,
    sink: {
      setInterface: (index, name) => names.set(index, name),
      frame: (_view, _bytes, _offset, _captured, wire) => frames.push(wire),
    },
    report: (name, change) => told.push(`${name} ${change}`),
    ...options,
  });
  opened.push(rings);
  return { rings, told, names, frames };
}

const frameOf = (length: number) => new Uint8Array(length).fill(0xff, 0, 6).fill(2, 6, 12).fill(0x88, 12, 14);
const sockets = (pair: VethPair) => pair.left.read("cat", "/proc/net/packet").trim().split("\n").length - 1;

async function walkFor(rings: CaptureRings, frames: number[], wanted: number): Promise<void> {
  for (let tries = 0; tries < 200 && !frames.includes(wanted); tries += 1) {
    rings.walk(100);
    await Bun.sleep(5);
  }
  expect(frames).toContain(wanted);
}

describe.skipIf(namespaceObstacle() !== undefined)("capture rings", () => {
  test("without names: those that are up, not the loopback, and one that comes up later", () => {
    const pair = createPair();
    pair.left.ip("link", "set", "lo", "up");
    const { rings, told, names } = createRings();
    pair.left.within(() => rings.openAll());
    expect(rings.interfaces()).toEqual([]);
    expect(pair.left.within(() => rings.rescan(0))).toBe(false);
    pair.up();
    expect(pair.left.within(() => rings.rescan(0))).toBe(true);
    expect(rings.interfaces().map(({ name, up }) => [name, up])).toEqual([["veth0", true]]);
    expect([...names.values()]).toEqual(["veth0"]);
    expect(pair.left.within(() => rings.rescan(0))).toBe(false);
    expect(told).toEqual(["veth0 opened"]);
    expect(sockets(pair)).toBe(1);
  });

  test("a named interface is opened while it is down, and its way up and down is told", () => {
    const pair = createPair();
    const { rings, told } = createRings({ interfaces: ["veth0", "veth0"] });
    pair.left.within(() => rings.openAll());
    expect(rings.anyUp).toBe(false);
    expect(rings.fds().length).toBe(1);
    pair.up();
    pair.left.within(() => rings.rescan(0));
    expect(rings.anyUp).toBe(true);
    pair.left.ip("link", "set", "veth0", "down");
    const poller = new Poller();
    poller.watch(rings.fds());
    expect(poller.wait(500)).toBe(1);
    expect(rings.takeErrors(poller)).toBe(true);
    expect(poller.wait(0)).toBe(0);
    pair.left.within(() => rings.rescan(0));
    expect(told).toEqual(["veth0 opened", "veth0 down", "veth0 up", "veth0 down"]);
  });

  test("an unknown name, and a ring that cannot be, leave nothing open", () => {
    const pair = createPair();
    const unknown = createRings({ interfaces: ["veth0", "veht0"] });
    const open = () => pair.left.within(() => unknown.rings.openAll());
    expect(open).toThrow(expect.objectContaining({ code: "unknown_interface", hint: "--iface veth0" }));
    unknown.rings.close();
    expect(sockets(pair)).toBe(0);
    pair.up();
    const impossible = createRings({ ringBytes: 2 ** 40 });
    expect(() => pair.left.within(() => impossible.rings.openAll())).toThrow(
      expect.objectContaining({ code: "usage" }),
    );
    expect(impossible.told).toEqual(["veth0 refused"]);
    pair.left.within(() => impossible.rings.rescan(0));
    expect(impossible.told).toEqual(["veth0 refused"]);
    expect(sockets(pair)).toBe(0);
  });

  test("a removed interface hands over its last frames, is closed, and taken up when it is back", async () => {
    const pair = createPair();
    pair.up();
    const { rings, told, frames } = createRings({ interfaces: ["veth0"] });
    pair.left.within(() => rings.openAll());
    const first = rings.interfaces()[0]?.index;
    pair.right.sendFrames("veth0", [frameOf(99)]);
    pair.left.ip("link", "del", "veth0");
    pair.left.within(() => rings.rescan(1000));
    expect(rings.anyLeaving).toBe(true);
    expect(rings.interfaces()).toEqual([]);
    await Bun.sleep(130);
    rings.closeLeft(1000 + 200);
    expect(frames).toContain(99);
    expect(rings.anyLeaving).toBe(false);
    expect(sockets(pair)).toBe(0);
    const before = rings.statistics().packets;
    expect(before).toBeGreaterThan(0);
    pair.left.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", pair.right.name);
    pair.up();
    pair.left.within(() => rings.rescan(2000));
    expect(rings.interfaces()[0]?.index).not.toBe(first);
    pair.right.sendFrames("veth0", [frameOf(98)]);
    await walkFor(rings, frames, 98);
    expect(rings.statistics().packets).toBeGreaterThan(before);
    expect(told).toEqual(["veth0 opened", "veth0 removed", "veth0 opened"]);
  });

  test("a new name of an interface is told to the flows", () => {
    const pair = createPair();
    const { rings, names } = createRings({ interfaces: ["veth0"] });
    pair.left.within(() => rings.openAll());
    const index = rings.interfaces()[0]?.index as number;
    expect(names.get(index)).toBe("veth0");
    pair.left.ip("link", "set", "veth0", "name", "wan0");
    pair.left.within(() => rings.rescan(0));
    expect(names.get(index)).toBe("wan0");
    expect(rings.interfaces()).toEqual([{ name: "wan0", index, up: false }]);
  });
});
