import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import type { Observer } from "../../src/core/observer.ts";
import { Connection } from "../../src/wal/connection.ts";
import { openSample, sampleBatch, settleGroup, temporaryFolder } from "./sample-log.ts";

const walSize = (path: string) => statSync(`${path}-wal`).size;

/** A reader that never lets go of its snapshot. */
function holdSnapshot(path: string): { [Symbol.dispose](): void } {
  const connection = Connection.readable(path);
  connection.run("BEGIN");
  connection.scalar("SELECT count(*) FROM records");
  return { [Symbol.dispose]: () => connection.close() };
}

test("the write-ahead file stays near its limit while a log is written", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { checkpointBytes: 131_072 });
  let most = 0;
  for (let i = 0; i < 200; i += 1) {
    log.append(sampleBatch(i * 20 + 1, 20, { length: 500 }));
    most = Math.max(most, walSize(log.path));
  }
  expect(statSync(log.path).size).toBeGreaterThan(2_000_000);
  expect(most).toBeLessThan(131_072 * 2.5);
  log.close();
});

test("a reader that holds a snapshot makes the file grow, and refuses appends at the bound alone", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { checkpointBytes: 262_144, walBytesMax: 1 << 20 });
  log.append(sampleBatch(1, 20, { length: 500 }));
  let next = 21;
  {
    using _held = holdSnapshot(log.path);
    const write = () => {
      for (; ; next += 20) log.append(sampleBatch(next, 20, { length: 500 }));
    };
    expect(write).toThrow(expect.objectContaining({ code: "disk_full", message: expect.stringContaining("readers") }));
    expect(walSize(log.path)).toBeGreaterThan(1 << 20);
    expect(walSize(log.path)).toBeLessThan(1.5 * (1 << 20));
  }
  log.append(sampleBatch(next, 20, { length: 500 }));
  log.checkpoint();
  expect(walSize(log.path)).toBeLessThan(200_000);
  log.close();
}, 60_000);

test("a log at rest writes back by itself, gives its space back, and says so", async () => {
  using folder = temporaryFolder();
  const seen: string[] = [];
  const observer: Observer = {
    count() {},
    gauge: (metric, value) => void seen.push(`${metric} ${value}`),
    observe: (metric) => void seen.push(metric),
    log() {},
  };
  const log = openSample(folder.path, { idleMs: 30, observer });
  log.append(sampleBatch(1, 20, { length: 500 }));
  expect(walSize(log.path)).toBeGreaterThan(0);
  const before = readFileSync(log.path).length;
  for (let i = 0; i < 100 && walSize(log.path) > 0; i += 1) await Bun.sleep(20);
  expect(walSize(log.path)).toBe(0);
  expect(readFileSync(log.path).length).toBeGreaterThan(before);
  expect(seen).toContain("amoskys_log_checkpoint_seconds");
  expect(seen.at(-1)).toBe("amoskys_log_write_ahead_bytes 0");
  log.close();
});

test("a log that was large and is small again shrinks at rest", async () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { idleMs: 50 });
  for (let i = 0; i < 45; i += 1) log.append(sampleBatch(i * 500 + 1, 500, { length: 1000 }));
  for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) settleGroup(log, group.id);
  log.prune();
  log.checkpoint();
  const large = statSync(log.path).size;
  expect(large).toBeGreaterThan(22_000_000);
  for (let i = 0; i < 200 && statSync(log.path).size > large / 2; i += 1) await Bun.sleep(25);
  expect(statSync(log.path).size).toBeLessThan(large / 2);
  log.append(sampleBatch(22_501, 1));
  log.close();
}, 60_000);
