import { heapStats } from "bun:jsc";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type FlowCollectorOptions, flowCollector, flowConfigSchema } from "../../../src/collectors/flow/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { CollectorContext } from "../../../src/core/collector.ts";
import type { AmoskysError } from "../../../src/core/errors.ts";
import type { CollectedEvent } from "../../../src/core/event.ts";
import { silentObserver } from "../../../src/core/observer.ts";
import { metrics } from "../../../src/data/metrics.ts";
import { FlowEventSchema } from "../../../src/gen/messaging_schema_pb.ts";
import { pcapFile } from "../../packet/build-capture.ts";
import { ethernet, ipv4, tcp, udp } from "../../packet/build-frame.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-flow-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

class Context implements CollectorContext {
  readonly events: CollectedEvent[] = [];
  readonly counted = new Map<string, number>();
  readonly clock = systemClock;
  readonly bus = { addresses: ["10.0.0.2"], port: 50_051 };
  /** How many events find room. */
  capacity = Number.POSITIVE_INFINITY;
  #waiting = Promise.withResolvers<void>();

  readonly observer = {
    ...silentObserver,
    count: (metric: string, labels: Readonly<Record<string, string>> = {}, by = 1) => {
      expect(metrics.find((m) => m.name === metric)?.labels ?? []).toEqual(Object.keys(labels));
      const key = [metric, ...Object.values(labels)].join(" ");
      this.counted.set(key, (this.counted.get(key) ?? 0) + by);
    },
    gauge: (metric: string, value: number) => void this.counted.set(metric, value),
  };

  spawnWorker(): never {
    throw new Error("a file needs no thread");
  }

  emit(event: CollectedEvent): void {
    this.events.push(event);
  }

  async room(): Promise<void> {
    while (this.events.length >= this.capacity) await this.#waiting.promise;
  }

  makeRoom(capacity: number): void {
    this.capacity = capacity;
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
  }
}

function optionsFor(flows: number, cut = 0): FlowCollectorOptions {
  const frames = Array.from({ length: flows }, (_, i) => ({
    frame: ethernet(0x0800, ipv4({ protocol: 17 }, udp(1000 + i, 53))),
    sec: 1_700_000_000 + i,
    nsec: 5000,
  }));
  const own = ethernet(0x0800, ipv4({ protocol: 6, src: "10.0.0.2", dst: "10.0.0.1" }, tcp(50_051, 7, { flags: 24 })));
  const path = join(folder, `${flows}-${cut}.pcap`);
  const file = pcapFile([...frames, { frame: own, sec: 1_700_000_000 + flows }, { frame: ethernet(0x0806, own) }]);
  writeFileSync(path, file.subarray(0, file.length - cut));
  return { config: flowConfigSchema.parse({}), read: path };
}

describe("flowCollector on a file", () => {
  test("emits each flow with the time of its last packet, and is done at the end of the file", async () => {
    const context = new Context();
    const collector = flowCollector.create(optionsFor(700), context);
    await collector.start();
    await collector.done;
    expect(context.events.length).toBe(701);
    context.events.slice(0, 700).forEach(({ kind, tsNs, payload }, i) => {
      const flow = fromBinary(FlowEventSchema, payload);
      expect([kind, tsNs, flow.srcPort]).toEqual(["flow", flow.endTime, 1000 + i]);
      expect(tsNs).toBe(BigInt(1_700_000_000 + i) * 1_000_000_000n + 5000n);
    });
    expect(collector.health()).toMatchObject({ status: "ok", figures: { frames: 702, flows_ended: 701 } });
    expect(collector.health().message).toContain("has read");
    expect(Object.fromEntries(context.counted)).toMatchObject({
      amoskys_flow_frames_total: 702,
      amoskys_flow_flows_created_total: 701,
      "amoskys_flow_other_frames_total arp": 1,
      amoskys_flow_flows_active: 0,
    });
    await collector.stop(1000);
    await collector.stop(1000);
  });

  test("waits for room, event by event", async () => {
    const context = new Context();
    context.makeRoom(10);
    const collector = flowCollector.create(optionsFor(50), context);
    await collector.start();
    await Bun.sleep(50);
    expect(context.events.length).toBe(10);
    context.makeRoom(13);
    await Bun.sleep(20);
    expect(context.events.length).toBe(13);
    expect(collector.health().message).toContain("reads");
    context.makeRoom(Number.POSITIVE_INFINITY);
    await collector.done;
    expect(context.events.length).toBe(51);
  });

  test("hands its flows on without room before a stop's deadline", async () => {
    const context = new Context();
    context.makeRoom(5);
    const collector = flowCollector.create(optionsFor(50), context);
    await collector.start();
    await Bun.sleep(20);
    const startMs = performance.now();
    await collector.stop(300);
    expect(performance.now() - startMs).toBeLessThan(290);
    expect(context.events.length).toBe(51);
  });

  test("leaves nothing behind for each flow", async () => {
    const promises = () => {
      Bun.gc(true);
      return heapStats().objectTypeCounts.Promise ?? 0;
    };
    const context = new Context();
    const collector = flowCollector.create(optionsFor(5000), context);
    const before = promises();
    await collector.start();
    await collector.done;
    expect(context.events.length).toBe(5001);
    expect(promises() - before).toBeLessThan(500);
    await collector.stop(100);
  });

  test("emits what was readable and then fails where the file is cut off", async () => {
    const context = new Context();
    const collector = flowCollector.create(optionsFor(50, 3), context);
    await collector.start();
    const error = await collector.done.catch((caught: AmoskysError) => caught);
    expect((error as AmoskysError).code).toBe("capture_truncated");
    expect(context.events.length).toBe(51);
    expect(collector.health()).toMatchObject({ status: "failed" });
  });

  test("fails to start on a file that is not there", async () => {
    const context = new Context();
    const read = join(folder, "none.pcap");
    const collector = flowCollector.create({ config: flowConfigSchema.parse({}), read }, context);
    const error = await collector.start().catch((caught: AmoskysError) => caught);
    expect((error as AmoskysError).code).toBe("file_missing");
    await collector.stop(100);
  });
});
