import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Observer } from "../../src/core/observer.ts";
import type { SpawnWorker } from "../../src/core/worker.ts";
import { createLogWriter, type OpenLogOptions, openLogReader, runLogWriterWorker } from "../../src/wal/index.ts";
import { batchOf, openSample, sampleBatch, sampleBytes, sampleRecord, temporaryFolder } from "./sample-log.ts";

/** Starts real threads, the way the executable does; keeps the last one within reach. */
function spawner(): { spawn: SpawnWorker; last(): Worker } {
  let worker: Worker | undefined;
  const entry = new URL("../../src/main.ts", import.meta.url);
  return {
    spawn: (task, options) => {
      worker = new Worker(entry, { workerData: { task, options } });
      return worker;
    },
    last: () => worker as Worker,
  };
}

/** What a promise was rejected with. Bun's own `rejects` waits in a loop that threads do not get into. */
async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (caught) {
    return caught;
  }
  throw new Error("it was not refused");
}

function optionsFor(folder: string, more: Partial<OpenLogOptions> = {}): OpenLogOptions {
  return { path: join(folder, "bus.db"), role: "bus", budgetBytes: 1 << 30, ...more };
}

describe("LogWriter", () => {
  test("appends in the order of the calls, and each answer is its own", async () => {
    using folder = temporaryFolder();
    const writer = await createLogWriter(optionsFor(folder.path), spawner().spawn);
    expect(writer.recovery).toBeUndefined();
    expect(writer.opened).toMatchObject({ meta: {}, stats: { records: 0 } });
    const batches = Array.from({ length: 30 }, (_, i) => sampleBatch(i * 3 + 1, 3, { state: "settled" }));
    const results = await Promise.all(batches.map((batch) => writer.append(batch)));
    expect(results.map(({ firstId, groupIds, size }) => [firstId, groupIds, size])).toEqual(
      batches.map((_, i) => [i * 3 + 1, [i + 1], i * 3 + 3]),
    );
    const reader = openLogReader(writer.path);
    const stored = reader.records({ limit: 100 });
    expect(stored.map(({ bytes }) => bytes)).toEqual(stored.map(({ sequence }) => sampleBytes(sequence)));
    expect(reader.group(2)?.sig).toEqual(batches[1]?.groups[0]?.sig as Uint8Array);
    reader.close();
    await writer.setMeta("k", "v");
    expect(await writer.stats()).toMatchObject({ records: 90, highest: 90 });
    await writer.checkpoint();
    await writer.close();
    await writer.close();
    const again = await createLogWriter(optionsFor(folder.path), spawner().spawn);
    expect(again.opened).toMatchObject({ stats: { records: 90 }, meta: { k: "v" } });
    await again.close();
  });

  test("leaves the caller's bytes alone, also views into larger ones", async () => {
    using folder = temporaryFolder();
    const writer = await createLogWriter(optionsFor(folder.path), spawner().spawn);
    const chunk = crypto.getRandomValues(new Uint8Array(5000));
    const copy = chunk.slice();
    const records = [10, 700, 4000].map((at, i) =>
      sampleRecord(i + 1, { bytes: chunk.subarray(at, at + 600), judgedDigest: chunk.subarray(0, 32) }),
    );
    await writer.append(batchOf(records));
    expect(chunk).toEqual(copy);
    const reader = openLogReader(writer.path);
    const stored = reader.records({ limit: 9 });
    expect(stored.map(({ bytes }) => bytes)).toEqual(records.map(({ bytes }) => bytes));
    expect(stored[2]?.judgedDigest).toEqual(copy.subarray(0, 32));
    reader.close();
    await writer.close();
  });

  test("refuses what the log refuses, with code, message and hint, and goes on", async () => {
    using folder = temporaryFolder();
    const writer = await createLogWriter(optionsFor(folder.path, { budgetBytes: 1 << 20 }), spawner().spawn);
    await writer.append(sampleBatch(1, 2, { state: "settled" }));
    const twice = writer.append(sampleBatch(1, 2, { state: "settled" }));
    expect(await refusalOf(twice)).toMatchObject({ name: "AmoskysError", code: "internal" });
    const large = sampleBatch(3, 500, { state: "settled", length: 6000 });
    expect(await refusalOf(writer.append(large))).toMatchObject({
      code: "disk_full",
      retryable: true,
      hint: expect.stringContaining("max_wal_bytes"),
      details: { path: writer.path },
    });
    expect(await writer.append(sampleBatch(3, 1, { state: "settled" }))).toMatchObject({ firstId: 3 });
    await writer.close();
    expect(await refusalOf(writer.stats())).toMatchObject({ code: "log_io" });
  });

  test("removes what is over the budget, and compacts", async () => {
    using folder = temporaryFolder();
    const writer = await createLogWriter(optionsFor(folder.path, { budgetBytes: 100_000 }), spawner().spawn);
    for (let i = 0; i < 20; i += 1)
      await writer.append(sampleBatch(i * 10 + 1, 10, { state: "settled", length: 1000 }));
    expect(await writer.prune()).toBeGreaterThan(50);
    expect((await writer.stats()).liveBytes).toBeLessThanOrEqual(100_000);
    expect(await writer.compact(2n ** 63n)).toBeGreaterThan(0);
    expect((await writer.stats()).records).toBe(0);
    await writer.close();
  });

  test("says at once why a log cannot be opened", async () => {
    using folder = temporaryFolder();
    const log = openSample(folder.path);
    const refused = createLogWriter({ ...optionsFor(folder.path), path: log.path }, spawner().spawn);
    expect(await refusalOf(refused)).toMatchObject({ code: "log_locked", details: { pid: process.pid } });
    log.close();
    const elsewhere = optionsFor(join(folder.path, "not/yet"), {
      assertLocal: (where) => {
        throw new Error(statSync(where).isDirectory() ? "not local" : "no folder");
      },
    });
    expect(await refusalOf(createLogWriter(elsewhere, spawner().spawn))).toMatchObject({ message: "not local" });
  });

  test("fails everything that waits when its thread is ended, and the log can be opened anew", async () => {
    using folder = temporaryFolder();
    const threads = spawner();
    const writer = await createLogWriter(optionsFor(folder.path), threads.spawn);
    await writer.append(sampleBatch(1, 2, { state: "settled" }));
    const waiting = Array.from({ length: 50 }, (_, i) =>
      writer.append(sampleBatch(i * 100 + 3, 100, { state: "settled" })),
    );
    const outcomes = Promise.allSettled(waiting);
    await threads.last().terminate();
    const settled = await outcomes;
    const failed = settled.filter((outcome) => outcome.status === "rejected");
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) expect(reason).toMatchObject({ code: "log_io" });
    expect(await refusalOf(writer.append(sampleBatch(9999, 1)))).toMatchObject({ code: "log_io" });
    const again = await createLogWriter(optionsFor(folder.path), spawner().spawn);
    expect(again.recovery).toBeUndefined();
    expect(again.opened.stats.records).toBeGreaterThanOrEqual(2 + 100 * (settled.length - failed.length));
    await again.close();
  });

  test("passes on what the log reports", async () => {
    using folder = temporaryFolder();
    const counts = new Map<string, number>();
    const observer: Observer = {
      count: (metric, _labels, by = 1) => void counts.set(metric, (counts.get(metric) ?? 0) + by),
      gauge: (metric, value, labels) => void counts.set(metric + (labels?.state ?? ""), value),
      observe: (metric) => void counts.set(metric, (counts.get(metric) ?? 0) + 1),
      log() {},
    };
    const writer = await createLogWriter(optionsFor(folder.path, { observer }), spawner().spawn);
    await writer.append(sampleBatch(1, 7, { state: "settled" }));
    await writer.close();
    expect(counts.get("amoskys_log_appended_total")).toBe(7);
    expect(counts.get("amoskys_log_recordssettled")).toBe(7);
    expect(counts.get("amoskys_log_commit_seconds")).toBe(1);
  });
});

test("runLogWriterWorker refuses to run outside a worker thread", async () => {
  expect(await refusalOf(runLogWriterWorker({}))).toMatchObject({ code: "internal" });
});
