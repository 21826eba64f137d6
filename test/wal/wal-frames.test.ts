import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Connection } from "../../src/wal/connection.ts";
import { readWalFrames } from "../../src/wal/wal-frames.ts";
import { openSample, sampleBatch, temporaryFolder } from "./sample-log.ts";

const frameBytes = 4120;

/** A write-ahead file with some transactions, as a process that is killed leaves it; and the database beside it. */
function writeSample(folder: string, commits: number): { path: string; wal: Buffer } {
  const log = openSample(folder);
  for (let i = 0; i < commits; i += 1) log.append(sampleBatch(i * 5 + 1, 5));
  const path = join(folder, "copy.db");
  for (const suffix of ["", "-wal"]) copyFileSync(log.path + suffix, path + suffix);
  log.close();
  return { path, wal: readFileSync(`${path}-wal`) };
}

/** How many records SQLite finds. */
function countWithSqlite(path: string): number {
  const connection = Connection.readable(path);
  try {
    return connection.scalar<number>("SELECT count(*) FROM records");
  } catch {
    return 0;
  } finally {
    connection.close();
  }
}

test("readWalFrames finds what SQLite finds, and nothing wrong with it", () => {
  using folder = temporaryFolder();
  const { path, wal } = writeSample(folder.path, 8);
  const frames = readWalFrames(`${path}-wal`);
  expect(frames.committed).toHaveLength((wal.length - 32) / frameBytes);
  expect(frames).toMatchObject({ stranded: [], brokenAt: undefined });
  expect(countWithSqlite(path)).toBe(40);
});

test("readWalFrames finds nothing in no file, an empty one, a short one and noise", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x-wal");
  const none = { committed: [], stranded: [], brokenAt: undefined };
  expect(readWalFrames(path)).toEqual(none);
  for (const bytes of [new Uint8Array(), new Uint8Array(31), crypto.getRandomValues(new Uint8Array(60_000))]) {
    writeFileSync(path, bytes);
    expect(readWalFrames(path)).toEqual(none);
  }
});

test("readWalFrames takes a file that ends inside a transaction for one that was cut off", () => {
  using folder = temporaryFolder();
  const { path, wal } = writeSample(folder.path, 8);
  for (const cut of [1, frameBytes - 1, frameBytes, frameBytes + 100, 3 * frameBytes]) {
    writeFileSync(`${path}-wal`, wal.subarray(0, wal.length - cut));
    const { brokenAt, committed } = readWalFrames(`${path}-wal`);
    expect(brokenAt).toBeUndefined();
    expect(committed.length).toBeGreaterThan(0);
  }
});

test("readWalFrames names the broken frame when transactions that were synced lie behind it", () => {
  using folder = temporaryFolder();
  const { path, wal } = writeSample(folder.path, 8);
  const frames = (wal.length - 32) / frameBytes;
  let found = 0;
  let lost = 0;
  for (let frame = 1; frame <= frames - 12; frame += 1) {
    const damaged = Buffer.from(wal);
    const at = 32 + (frame - 1) * frameBytes + 24 + ((frame * 997) % 4096);
    damaged[at] = (damaged[at] as number) ^ 4;
    writeFileSync(`${path}-wal`, damaged);
    const { brokenAt, stranded } = readWalFrames(`${path}-wal`);
    if (brokenAt === frame && stranded.length >= frames - frame) found += 1;
    if (countWithSqlite(path) < 40) lost += 1;
  }
  expect(lost).toBe(frames - 12);
  expect(found).toBe(frames - 12);
});

test("readWalFrames goes by the later of two runs in one file", () => {
  using folder = temporaryFolder();
  const log = openSample(folder.path, { checkpointBytes: 32_768 });
  for (let i = 0; i < 100; i += 1) log.append(sampleBatch(i * 5 + 1, 5));
  const path = join(folder.path, "copy.db");
  for (const suffix of ["", "-wal"]) copyFileSync(log.path + suffix, path + suffix);
  log.close();
  expect(readWalFrames(`${path}-wal`).brokenAt).toBeUndefined();
  expect(countWithSqlite(path)).toBe(500);
});
