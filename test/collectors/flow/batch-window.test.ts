import { describe, expect, test } from "bun:test";
import { Worker } from "node:worker_threads";
import { BatchTaker, BatchWindow } from "../../../src/collectors/flow/batch-window.ts";

const create = (batchesMax = 3, bytesMax = 1000) => {
  const taker = new BatchTaker();
  return { taker, window: new BatchWindow(taker.memory, { batchesMax, bytesMax }) };
};

describe("batch window", () => {
  test("bounds the batches that are on their way", () => {
    const { taker, window } = create();
    for (let i = 0; i < 3; i += 1) {
      expect(window.hasRoom()).toBe(true);
      window.sent(1);
    }
    expect(window.hasRoom()).toBe(false);
    taker.took();
    expect(window.hasRoom()).toBe(true);
    window.sent(1);
    expect(window.hasRoom()).toBe(false);
  });

  test("bounds their bytes, oldest first", () => {
    const { taker, window } = create(100);
    window.sent(900);
    window.sent(200);
    expect(window.hasRoom()).toBe(false);
    taker.took();
    expect(window.hasRoom()).toBe(true);
    window.sent(800);
    expect(window.hasRoom()).toBe(false);
  });

  test("waits for room no longer than it is told", () => {
    const { window } = create(1);
    window.sent(1);
    const before = performance.now();
    expect(window.waitForRoom(0)).toBe(false);
    expect(performance.now() - before).toBeLessThan(20);
    expect(window.waitForRoom(40)).toBe(false);
    expect(performance.now() - before).toBeGreaterThanOrEqual(39);
  });

  test("is woken in its thread by what is taken in another", async () => {
    const taker = new BatchTaker();
    const path = new URL("../../../src/collectors/flow/batch-window.ts", import.meta.url).pathname;
    const program = `
      const { parentPort, workerData } = require("node:worker_threads");
      const { BatchWindow } = require(${JSON.stringify(path)});
      const window = new BatchWindow(workerData, { batchesMax: 1, bytesMax: 1000 });
      window.sent(1);
      parentPort.postMessage("waits");
      const before = performance.now();
      parentPort.postMessage({ room: window.waitForRoom(4000), waitedMs: performance.now() - before });`;
    const worker = new Worker(program, { eval: true, workerData: taker.memory });
    const said: unknown[] = [];
    worker.on("message", (message) => {
      said.push(message);
      if (message === "waits") setTimeout(() => taker.took(), 50);
    });
    await new Promise((resolve) => worker.on("exit", resolve));
    expect(said).toEqual(["waits", { room: true, waitedMs: expect.any(Number) }]);
    expect((said[1] as { waitedMs: number }).waitedMs).toBeLessThan(3000);
  });

  test("goes on when the counter wraps", () => {
    const taker = new BatchTaker();
    new Int32Array(taker.memory)[0] = 2 ** 31 - 2;
    const window = new BatchWindow(taker.memory, { batchesMax: 3, bytesMax: 1000 });
    for (let i = 0; i < 10; i += 1) {
      for (let sent = 0; sent < 3; sent += 1) {
        expect(window.hasRoom()).toBe(true);
        window.sent(1);
      }
      expect(window.hasRoom()).toBe(false);
      for (let taken = 0; taken < 3; taken += 1) taker.took();
    }
  });

  test("the deadline of the end crosses over, within what a wait can hold", () => {
    const { taker, window } = create();
    expect(window.deadlineMs).toBe(0);
    taker.setDeadlineMs(1234.7);
    expect(window.deadlineMs).toBe(1234);
    taker.setDeadlineMs(Number.POSITIVE_INFINITY);
    expect(window.deadlineMs).toBe(2 ** 31 - 1);
    taker.setDeadlineMs(-5);
    expect(window.deadlineMs).toBe(0);
  });
});
