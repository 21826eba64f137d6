import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type FrameSink, openPacketRing, type PacketRing, Poller } from "../../src/native/index.ts";
import { createVethPair, namespaceObstacle, transfer, type VethPair } from "../support/network-namespace.ts";

const native = new URL("../../src/native/index.ts", import.meta.url).pathname;
const obstacle = namespaceObstacle();
const open: { close(): void }[] = [];
const pairs: VethPair[] = [];

function createPair(): VethPair {
  const pair = createVethPair();
  pairs.push(pair);
  return pair;
}

function openLeft(pair: VethPair, options: Partial<Parameters<typeof openPacketRing>[0]> = {}): PacketRing {
  const ring = pair.left.within(() => openPacketRing({ interface: "veth0", ...options }));
  open.push(ring);
  return ring;
}

/** Adds up what a ring hands over. */
class Tally implements FrameSink {
  frames = 0;
  wireBytes = 0;
  readonly seen: { captured: number; wire: number; vlan: number; type: number; sec: number }[] = [];

  frame(view: DataView, _bytes: Uint8Array, offset: number, captured: number, wire: number, ...rest: number[]): void {
    this.frames += 1;
    this.wireBytes += wire;
    const type = captured >= 14 ? view.getUint16(offset + 12) : 0;
    this.seen.push({ captured, wire, vlan: rest[4] as number, type, sec: rest[0] as number });
  }
}

/** Walks until `holds`, at most two seconds. */
async function walkUntil(ring: PacketRing, sink: FrameSink, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !holds(); tries += 1) {
    ring.walk(sink, 1000);
    await Bun.sleep(5);
  }
  expect(holds()).toBe(true);
}

async function drain(ring: PacketRing, sink: FrameSink): Promise<void> {
  ring.stopReceiving();
  await walkUntil(ring, sink, () => ring.drained());
}

/** An Ethernet frame to everybody, of a type for experiments (IEEE 802) unless it is told otherwise. */
function ethernetFrame(length: number, type: readonly number[] = [0x88, 0xb5]): Uint8Array {
  const frame = new Uint8Array(length);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 9], 6);
  frame.set(type, 12);
  return frame;
}

/** RFC 1071. */
function headerChecksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += i === 10 ? 0 : header.readUInt16BE(i);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

const counters = (pair: VethPair) =>
  ["rx_packets", "tx_packets", "rx_bytes", "tx_bytes"].map((name) => pair.left.counter("veth0", name)) as [
    number,
    number,
    number,
    number,
  ];

afterEach(() => {
  for (const ring of open.splice(0)) ring.close();
  for (const pair of pairs.splice(0)) pair.remove();
});

describe.skipIf(obstacle !== undefined)("packet ring", () => {
  test("sees every frame of a transfer: packets and bytes are the interface's to the byte", async () => {
    const pair = createPair();
    const ring = openLeft(pair);
    pair.up();
    const tally = new Tally();
    const bytes = 12_345_678;
    let arrived = -1;
    const transferred = transfer({ from: pair.left, to: pair.right, address: pair.rightAddress, port: 4100, bytes });
    void transferred.then((n) => {
      arrived = n;
    });
    await walkUntil(ring, tally, () => arrived >= 0);
    expect(arrived).toBe(bytes);
    pair.silence();
    const [rxPackets, txPackets, rxBytes, txBytes] = counters(pair);
    await drain(ring, tally);
    expect(tally.frames).toBe(rxPackets + txPackets);
    expect(tally.wireBytes).toBe(rxBytes + txBytes);
    expect(tally.wireBytes).toBeGreaterThan(bytes);
    expect(ring.statistics()).toMatchObject({ packets: tally.frames, delivered: tally.frames, drops: 0, skipped: 0 });
    const now = Date.now() / 1000;
    expect(tally.seen.every(({ sec }) => sec > now - 60 && sec <= now)).toBe(true);
  });

  test("a ring that is too small says how many frames it dropped, and none is unaccounted for", async () => {
    const pair = createPair();
    const ring = openLeft(pair, { blockBytes: 4096, blocks: 2 });
    pair.up();
    pair.right.sendFrames(
      "veth0",
      Array.from({ length: 500 }, () => ethernetFrame(1000)),
    );
    pair.silence();
    const after = counters(pair);
    const tally = new Tally();
    await drain(ring, tally);
    const { packets, drops, freezes, delivered } = ring.statistics();
    expect(drops).toBeGreaterThan(400);
    expect(freezes).toBeGreaterThan(0);
    expect(delivered).toBe(tally.frames);
    expect(delivered).toBeGreaterThan(0);
    expect(delivered + drops).toBe(packets);
    expect(packets).toBe(after[0] + after[1]);
  });

  test("totals go on after they were asked for, as the kernel's do not", async () => {
    const pair = createPair();
    pair.up();
    const ring = openLeft(pair);
    const sink = new Tally();
    for (const total of [3, 6]) {
      const before = ring.statistics().packets;
      pair.right.sendFrames(
        "veth0",
        Array.from({ length: 3 }, () => ethernetFrame(60)),
      );
      await walkUntil(ring, sink, () => sink.seen.filter(({ type }) => type === 0x88b5).length === total);
      expect(ring.statistics().packets).toBeGreaterThanOrEqual(before + 3);
    }
  });

  test("a VLAN tag is told and its bytes are counted, as the sender counted them", async () => {
    const pair = createPair();
    pair.up();
    const ring = openLeft(pair);
    const tally = new Tally();
    // 802.1Q tag, priority 5, VLAN 100, and behind it the type for experiments
    pair.right.sendFrames("veth0", [ethernetFrame(200, [0x81, 0x00, 0xa0, 0x64, 0x88, 0xb5])]);
    pair.right.sendFrames("veth0", [ethernetFrame(200)]);
    await drain(ring, tally);
    const own = tally.seen.filter(({ type }) => type === 0x88b5);
    expect(own.map(({ captured, wire, vlan }) => ({ captured, wire, vlan }))).toEqual([
      { captured: 196, wire: 200, vlan: 100 },
      { captured: 200, wire: 200, vlan: 0 },
    ]);
  });

  test("keeps at most snapBytes of a frame and knows its length all the same", async () => {
    const pair = createPair();
    pair.up();
    const ring = openLeft(pair, { snapBytes: 96 });
    const tally = new Tally();
    pair.right.sendFrames("veth0", [ethernetFrame(1400), ethernetFrame(60)]);
    await drain(ring, tally);
    const own = tally.seen.filter(({ type }) => type === 0x88b5);
    expect(own.map(({ captured, wire }) => [captured, wire])).toEqual([
      [96, 1400],
      [60, 60],
    ]);
  });

  test("frames for other hosts come when it is promiscuous, and the interface is so no longer than the ring", () => {
    const pair = createPair();
    pair.up();
    // IFF_PROMISC does not show memberships; the interface's own count does
    const promiscuity = () => /promiscuity (\d+)/.exec(pair.left.read("ip", "-d", "link", "show", "veth0"))?.[1];
    expect(promiscuity()).toBe("0");
    const ring = openLeft(pair, { promiscuous: true });
    expect(promiscuity()).toBe("1");
    ring.close();
    expect(promiscuity()).toBe("0");
  });

  test("loopback is not counted twice", async () => {
    const pair = createPair();
    pair.left.ip("link", "set", "lo", "up");
    const ring = pair.left.within(() => openPacketRing({ interface: "lo" }));
    open.push(ring);
    const tally = new Tally();
    const before = ["rx_packets", "rx_bytes"].map((name) => pair.left.counter("lo", name));
    await transfer({ from: pair.left, to: pair.left, address: "127.0.0.1", port: 4101, bytes: 300_000 });
    ring.stopReceiving();
    const after = ["rx_packets", "rx_bytes"].map((name) => pair.left.counter("lo", name));
    await drain(ring, tally);
    expect(tally.frames).toBe((after[0] as number) - (before[0] as number));
    // the interface does not count the 14 bytes of the Ethernet header that loopback frames bear
    expect(tally.wireBytes - 14 * tally.frames).toBe((after[1] as number) - (before[1] as number));
    expect(ring.statistics()).toMatchObject({ skipped: tally.frames, packets: 2 * tally.frames });
  });

  test("an interface that is down is waited for, and one that goes down is told", async () => {
    const pair = createPair();
    const ring = openLeft(pair);
    expect(ring.interface.up).toBe(false);
    expect(ring.takeError()).toBe("ENETDOWN");
    expect(ring.takeError()).toBeUndefined();
    pair.up();
    const tally = new Tally();
    const sendOne = () => pair.right.sendFrames("veth0", [ethernetFrame(77)]);
    sendOne();
    await walkUntil(ring, tally, () => tally.seen.some(({ wire }) => wire === 77));
    pair.left.ip("link", "set", "veth0", "down");
    const poller = new Poller();
    poller.watch([ring.fd]);
    expect(poller.wait(1000)).toBe(1);
    expect(poller.failed(ring.fd)).toBe(true);
    expect(ring.takeError()).toBe("ENETDOWN");
    pair.left.ip("link", "set", "veth0", "up");
    tally.seen.length = 0;
    sendOne();
    await walkUntil(ring, tally, () => tally.seen.some(({ wire }) => wire === 77));
  });

  test("an interface without a link-layer header gives IP packets as they are, both ways", async () => {
    const pair = createPair();
    const tun = pair.left.openTun("tun0");
    open.push(tun);
    pair.left.ip("-4", "address", "add", "10.98.0.1/24", "dev", "tun0");
    const ring = pair.left.within(() => openPacketRing({ interface: "tun0" }));
    open.push(ring);
    expect(ring.linkType).toBe(101);
    // an ICMP echo request (RFC 792) from another host: it is answered
    const request = Buffer.from("4500001c000000004001661e0a6200070a6200010800f7ff00000000", "hex");
    request.writeUInt16BE(headerChecksum(request.subarray(0, 20)), 10);
    tun.write(request);
    const packets: string[] = [];
    const sink: FrameSink = {
      frame(_view, bytes, offset, captured, wire) {
        expect(captured).toBe(wire);
        if ((bytes[offset] as number) >> 4 === 4)
          packets.push(Buffer.from(bytes.subarray(offset, offset + 28)).toString("hex"));
      },
    };
    await walkUntil(ring, sink, () => packets.length >= 2);
    expect(packets[0]).toBe(request.toString("hex"));
    // the answer: the addresses the other way round
    expect(packets[1]?.slice(24, 40)).toBe("0a6200010a620007");
  });

  test("no frame of another interface gets in, not even while it is opened", async () => {
    const pair = createPair();
    pair.left.ip("link", "set", "lo", "up");
    const flood = `const socket = await Bun.udpSocket({ hostname: "127.0.0.1" }); process.stdout.write("ready");
      for (;;) { for (let i = 0; i < 200; i += 1) socket.send("x", socket.port, "127.0.0.1"); await Bun.sleep(0); }`;
    const sender = Bun.spawn(pair.left.command([process.execPath, "-e", flood]), { stdout: "pipe" });
    try {
      await sender.stdout.getReader().read();
      for (let round = 0; round < 15; round += 1) {
        const ring = openLeft(pair, { blocks: 4 });
        expect(ring.statistics().packets).toBe(0);
        ring.close();
        await Bun.sleep(1);
      }
      expect(pair.left.counter("lo", "rx_packets")).toBeGreaterThan(100);
    } finally {
      sender.kill("SIGKILL");
      await sender.exited;
    }
  });

  test("once stopped it takes no frame, and keeps those it has", async () => {
    const pair = createPair();
    pair.up();
    const ring = openLeft(pair);
    pair.right.sendFrames("veth0", [ethernetFrame(101)]);
    ring.stopReceiving();
    pair.right.sendFrames("veth0", [ethernetFrame(102)]);
    expect(ring.drained()).toBe(false);
    const tally = new Tally();
    await walkUntil(ring, tally, () => ring.drained());
    const wires = tally.seen.filter(({ type }) => type === 0x88b5).map(({ wire }) => wire);
    expect(wires).toEqual([101]);
  });

  test("after close no socket, no mapping and no error is left, also when the sink throws", async () => {
    const pair = createPair();
    pair.up();
    const sockets = () => pair.left.read("cat", "/proc/net/packet").trim().split("\n").length - 1;
    const mappings = () => [...readFileSync("/proc/self/maps", "latin1").matchAll(/socket:\[/g)].length;
    const mappedBefore = mappings();
    const ring = openLeft(pair);
    expect(sockets()).toBe(1);
    expect(mappings()).toBe(mappedBefore + 1);
    pair.right.sendFrames("veth0", [ethernetFrame(60), ethernetFrame(60)]);
    const failing: FrameSink = {
      frame() {
        throw new Error("planned");
      },
    };
    let thrown = 0;
    for (let tries = 0; tries < 200 && thrown === 0; tries += 1) {
      try {
        ring.walk(failing, 10);
      } catch {
        thrown += 1;
      }
      await Bun.sleep(2);
    }
    expect(thrown).toBe(1);
    ring.close();
    ring.close();
    expect(sockets()).toBe(0);
    expect(mappings()).toBe(mappedBefore);
    expect(ring.walk(failing, 10)).toBe(0);
    expect(ring.takeError()).toBeUndefined();
    expect(ring.statistics().packets).toBeGreaterThan(0);
  });

  test("without CAP_NET_RAW the privilege is named, and what to do", () => {
    const program = `try { (await import(${JSON.stringify(native)})).openPacketRing({ interface: "lo" }) }
      catch ({ code, hint, message }) { process.stdout.write(JSON.stringify({ code, hint, message })) }`;
    const argv = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", process.execPath, "-e", program];
    const child = Bun.spawnSync(argv);
    expect(JSON.parse(child.stdout.toString())).toMatchObject({
      code: "privilege_missing",
      message: 'Cannot capture on "lo": CAP_NET_RAW is missing',
      hint: expect.stringContaining("sudo"),
    });
  });
});

describe("packet ring without privileges", () => {
  test("an unknown interface gets the nearest name", () => {
    const names = expect.objectContaining({ code: "unknown_interface", hint: "--iface lo" });
    expect(() => openPacketRing({ interface: "l0" })).toThrow(names);
  });

  test.each([
    { blockBytes: 1000 },
    { blockBytes: 2048 },
    { blocks: 0 },
    { blocks: 1.5 },
    { blockBytes: 2 ** 20, blocks: 4096 },
  ])("an impossible size is refused: %p", (size) => {
    expect(() => openPacketRing({ interface: "lo", ...size })).toThrow(expect.objectContaining({ code: "usage" }));
  });
});
