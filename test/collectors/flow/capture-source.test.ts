import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { createCaptureSource } from "../../../src/collectors/flow/capture-source.ts";
import type { FlowFigures } from "../../../src/collectors/flow/flow-figures.ts";
import type { FlowBatch, FlowSource, TakeFlows } from "../../../src/collectors/flow/flow-source.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { Observer } from "../../../src/core/observer.ts";
import { captureThreads } from "../../support/capture-thread.ts";
import {
  createVethPair,
  type NetworkNamespace,
  namespaceObstacle,
  transfer,
  type VethPair,
} from "../../support/network-namespace.ts";

const pairs: VethPair[] = [];
const sources: FlowSource[] = [];

afterEach(async () => {
  for (const source of sources.splice(0)) await source.stop(0);
  for (const pair of pairs.splice(0)) pair.remove();
});

function createPair(): VethPair {
  const pair = createVethPair();
  pairs.push(pair);
  return pair;
}

interface Made {
  readonly source: FlowSource;
  readonly batches: FlowBatch[];
  readonly lost: { count: number; startNs: bigint; endNs: bigint }[];
  readonly counts: Map<string, number>;
  readonly lines: string[];
}

type SourceOptions = Parameters<typeof createCaptureSource>[0];

function createSource(
  space: NetworkNamespace,
  options: Partial<SourceOptions> = {},
  take?: TakeFlows,
  spawnWorker = captureThreads(space),
): Made {
  const batches: FlowBatch[] = [];
  const lost: Made["lost"] = [];
  const counts = new Map<string, number>();
  const lines: string[] = [];
  const observer: Observer = {
    count: (metric, _labels, by = 1) => counts.set(metric, (counts.get(metric) ?? 0) + by),
    gauge: (metric, value) => counts.set(metric, value),
    observe() {},
    log: (_level, message, fields) => lines.push(`${message} ${fields?.interface ?? ""}`.trim()),
  };
  const source = createCaptureSource(
    {
      interfaces: ["veth0"],
      ringBytes: 16 << 20,
      promiscuous: true,
      engine: { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 4096 },
      ...options,
    },
    {
      observer,
      clock: systemClock,
      spawnWorker,
      lose: (count, startNs, endNs) => lost.push({ count, startNs, endNs }),
    },
    (batch) => {
      batches.push(batch);
      return take?.(batch);
    },
  );
  sources.push(source);
  return { source, batches, lost, counts, lines };
}

const flowsIn = (batches: readonly FlowBatch[]) => batches.reduce((sum, { count }) => sum + count, 0);
const sockets = (space: NetworkNamespace) => space.read("cat", "/proc/net/packet").trim().split("\n").length - 1;
const mappings = () => [...readFileSync("/proc/self/maps", "latin1").matchAll(/socket:\[/g)].length;
const sum = (values: Readonly<Record<string, number>>) => Object.values(values).reduce((a, b) => a + b, 0);

function packetsAndBytes(figures: FlowFigures) {
  const { endedPackets, activePackets, ownPackets, endedBytes, activeBytes, ownBytes, otherBytes, otherFrames } =
    figures;
  return {
    packets: endedPackets + activePackets + ownPackets + sum(otherFrames),
    bytes: endedBytes + activeBytes + ownBytes + otherBytes,
  };
}

function kernelTotals(space: NetworkNamespace) {
  const counter = (name: string) => space.counter("veth0", name);
  return {
    packets: counter("rx_packets") + counter("tx_packets"),
    bytes: counter("rx_bytes") + counter("tx_bytes"),
  };
}

/** What a promise was rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (caught) => caught,
  );
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries += 1) await Bun.sleep(10);
  expect(holds()).toBe(true);
}

/** An Ethernet frame with an empty UDP datagram of IPv4 (RFC 791, RFC 768) from a port of one host to another. */
function udpFrame(port: number): Uint8Array {
  const frame = new Uint8Array(60);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 9], 6);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, 28);
  view.setUint8(22, 64);
  view.setUint8(23, 17);
  frame.set([10, 99, 0, 7, 10, 99, 0, 8], 26);
  view.setUint16(34, port);
  view.setUint16(36, 9);
  view.setUint16(38, 8);
  return frame;
}

const udpFrames = (count: number, from = 1000) => Array.from({ length: count }, (_, i) => udpFrame(from + i));

describe.skipIf(namespaceObstacle() !== undefined)("capture source", () => {
  test("flows, other frames and own traffic of a transfer are the interface's counters to the byte", async () => {
    const pair = createPair();
    const own = { addresses: [pair.rightAddress], port: 4201 };
    const engine = { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 4096, own };
    const { source, batches } = createSource(pair.left, { engine });
    await source.start();
    pair.up();
    const bytes = 5_000_000;
    const to = { from: pair.left, to: pair.right, address: pair.rightAddress, bytes };
    expect(await transfer({ ...to, port: 4200 })).toBe(bytes);
    expect(await transfer({ ...to, port: 4201 })).toBe(bytes);
    pair.silence();
    await source.stop(5000);
    const figures = source.figures();
    expect(packetsAndBytes(figures)).toEqual(kernelTotals(pair.left));
    expect(figures.activePackets).toBe(0);
    expect(figures.endedBytes).toBeGreaterThan(bytes);
    expect(figures.ownBytes).toBeGreaterThan(bytes);
    expect(flowsIn(batches)).toBe(figures.flowsCreated);
    expect(flowsIn(batches)).toBe(sum(figures.flowsEnded));
    expect(source.extraFigures()).toMatchObject({ kernel_drops: 0, lost_flows: 0, kernel_packets: figures.frames });
    await source.done;
  });

  test("ends within 200 ms in the middle of traffic, and leaves no socket and no mapping", async () => {
    const pair = createPair();
    pair.up();
    const mapped = mappings();
    let fastest = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 3; round += 1) {
      const { source, batches } = createSource(pair.left);
      await source.start();
      expect(sockets(pair.left)).toBe(1);
      expect(mappings()).toBe(mapped + 1);
      pair.right.sendFrames("veth0", udpFrames(50));
      const before = performance.now();
      await source.stop(5000);
      fastest = Math.min(fastest, performance.now() - before);
      expect(sockets(pair.left)).toBe(0);
      expect(mappings()).toBe(mapped);
      // what was in the open block was handed over, and ended as flows
      expect(flowsIn(batches)).toBeGreaterThanOrEqual(50);
    }
    expect(fastest).toBeLessThan(200);
  });

  test("flows arrive while it runs, and the health says what it does", async () => {
    const pair = createPair();
    const { source, batches, counts, lines } = createSource(pair.left, {
      engine: { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 16 },
    });
    expect(source.state().status).toBe("degraded");
    expect(source.figures().flowsCreated).toBe(0);
    await source.start();
    expect(source.state()).toEqual({
      status: "degraded",
      message: "Waits for an interface that is up; veth0 is down",
    });
    pair.up();
    await until(() => lines.includes("interface up veth0"));
    pair.right.sendFrames("veth0", udpFrames(300));
    // the table holds 16 flows: the others are pushed out and arrive
    await until(() => flowsIn(batches) >= 284);
    await until(() => source.figures().flowsCreated >= 300);
    expect(source.state()).toMatchObject({ status: "ok", message: expect.stringMatching(/^Captures from veth0: /) });
    expect(counts.get("amoskys_flow_capture_interfaces")).toBe(1);
    expect(counts.get("amoskys_flow_capture_packets_total")).toBeGreaterThanOrEqual(300);
  });

  test("drops of the kernel are counted and told", async () => {
    const pair = createPair();
    pair.up();
    const { source, counts, lines } = createSource(pair.left, { ringBytes: 16_384 });
    await source.start();
    const frames = udpFrames(1500);
    for (let round = 0; round < 50 && source.extraFigures().kernel_drops === 0; round += 1) {
      pair.right.sendFrames("veth0", frames);
      await Bun.sleep(50);
    }
    expect(source.extraFigures().kernel_drops).toBeGreaterThan(0);
    expect(source.state()).toMatchObject({ status: "degraded", message: expect.stringContaining("flow.ring_bytes") });
    await source.stop(5000);
    const { kernel_drops, kernel_packets } = source.extraFigures();
    expect(source.figures().frames + (kernel_drops ?? 0)).toBe(kernel_packets ?? 0);
    expect(counts.get("amoskys_flow_capture_drops_total")).toBe(kernel_drops);
    expect(lines).toContain("the kernel drops packets: the ring is too small");
  });

  test("what the main thread does not take is bounded, and declared lost to the last flow", async () => {
    const pair = createPair();
    pair.up();
    const startNs = BigInt(Date.now() - 2000) * 1_000_000n;
    const { source, batches, lost, counts } = createSource(
      pair.left,
      {
        engine: { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 16 },
        limits: { batchesMax: 2, bytesMax: 1 << 20, heldFlowsMax: 100 },
      },
      () => new Promise(() => {}),
    );
    await source.start();
    for (let round = 0; round < 8; round += 1) {
      pair.right.sendFrames("veth0", udpFrames(150, 1000 + 200 * round));
      await Bun.sleep(120);
    }
    // already while it runs, since memory is bounded
    await until(() => lost.length > 0);
    const before = performance.now();
    await source.stop(300);
    expect(performance.now() - before).toBeLessThan(1500);
    // one was handed over and never taken; the other waits behind it
    expect(batches.length).toBe(1);
    const declared = lost.reduce((total, { count }) => total + count, 0);
    expect(declared).toBeGreaterThan(400);
    expect(counts.get("amoskys_flow_capture_lost_flows_total")).toBe(declared);
    expect(source.extraFigures().lost_flows).toBe(declared);
    const created = source.figures().flowsCreated;
    expect(created - declared - flowsIn(batches)).toBeGreaterThan(0);
    expect(created - declared).toBeLessThanOrEqual(2 * (100 + 150 + 16));
    for (const loss of lost) {
      expect(loss.startNs).toBeGreaterThan(startNs);
      expect(loss.endNs).toBeGreaterThanOrEqual(loss.startNs);
      expect(loss.endNs).toBeLessThanOrEqual(BigInt(Date.now()) * 1_000_000n);
    }
    expect(sockets(pair.left)).toBe(0);
  });

  test("at the end it waits for a slow taker as long as it may, and nothing is lost", async () => {
    const pair = createPair();
    pair.up();
    const limits = { batchesMax: 1, bytesMax: 1 << 20, heldFlowsMax: 10_000 };
    const engine = { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 16 };
    const { source, batches, lost } = createSource(pair.left, { engine, limits }, () => Bun.sleep(400));
    await source.start();
    pair.right.sendFrames("veth0", udpFrames(100));
    await until(() => batches.length === 1);
    pair.right.sendFrames("veth0", udpFrames(100, 2000));
    await source.stop(5000);
    expect(lost).toEqual([]);
    expect(source.extraFigures().lost_flows).toBe(0);
    expect(source.figures().flowsCreated).toBeGreaterThanOrEqual(200);
    expect(flowsIn(batches)).toBe(source.figures().flowsCreated);
  });

  test("flows end when the only interface goes, and come again when it is back", async () => {
    const pair = createPair();
    pair.up();
    const { source, batches, lines } = createSource(pair.left);
    await source.start();
    pair.right.sendFrames("veth0", udpFrames(5));
    await until(() => source.figures().flowsCreated >= 5);
    expect(source.figures().flowsActive).toBeGreaterThanOrEqual(5);
    pair.left.ip("link", "del", "veth0");
    await until(() => lines.includes("interface removed veth0"));
    await until(() => flowsIn(batches) >= 5);
    await until(() => source.figures().flowsActive === 0);
    expect(source.state()).toEqual({ status: "degraded", message: "Waits for an interface that is up" });
    pair.left.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", pair.right.name);
    pair.up();
    await until(() => source.state().status === "ok");
    const before = source.figures().flowsCreated;
    pair.right.sendFrames("veth0", udpFrames(5, 2000));
    await until(() => source.figures().flowsCreated >= before + 5);
  });

  test("an unknown interface and an impossible ring are told by start, and nothing is left", async () => {
    const pair = createPair();
    const unknown = createSource(pair.left, { interfaces: ["vteh0"] });
    const missing = { code: "unknown_interface", hint: "--iface veth0" };
    expect(await failureOf(unknown.source.start())).toMatchObject(missing);
    expect(await failureOf(unknown.source.done)).toMatchObject(missing);
    await unknown.source.stop(1000);
    expect(unknown.source.state()).toMatchObject({ status: "failed" });
    const impossible = createSource(pair.left, { ringBytes: 2 ** 40 });
    expect(await failureOf(impossible.source.start())).toMatchObject({ code: "usage" });
    await impossible.source.stop(1000);
    expect(sockets(pair.left)).toBe(0);
  });

  test("a taker that throws ends the capture with its error", async () => {
    const pair = createPair();
    pair.up();
    const engine = { idleTimeoutS: 30, activeTimeoutS: 300, flowsMax: 16 };
    const { source } = createSource(pair.left, { engine }, () => {
      throw new Error("planned");
    });
    await source.start();
    pair.right.sendFrames("veth0", udpFrames(100));
    expect(await failureOf(source.done)).toMatchObject({ message: "planned" });
    expect(source.state()).toEqual({ status: "failed", message: "planned" });
    expect(sockets(pair.left)).toBe(0);
  });

  test("a thread that ends by itself or throws is told, not waited for", async () => {
    const pair = createPair();
    const spawn = captureThreads(pair.left);
    const silent = createSource(pair.left, {}, undefined, (_task, options) => spawn("log-writer", options));
    expect(await failureOf(silent.source.start())).toMatchObject({
      code: "internal",
      message: "The capture thread ended by itself",
    });
    const throwing = createSource(
      pair.left,
      {},
      undefined,
      () => new Worker("throw new Error('planned')", { eval: true }),
    );
    expect(await failureOf(throwing.source.start())).toMatchObject({ code: "internal", message: "planned" });
    await throwing.source.stop(1000);
  });

  test("stops without a start, and twice", async () => {
    const pair = createPair();
    const { source } = createSource(pair.left);
    await source.stop(10);
    await source.stop(10);
    await source.done;
  });
});
