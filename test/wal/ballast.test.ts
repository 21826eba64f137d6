import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ballast } from "../../src/wal/ballast.ts";
import { type Log, openLog } from "../../src/wal/index.ts";
import { openSample, sampleBatch, settleGroup, temporaryFolder } from "./sample-log.ts";

const full = expect.objectContaining({ code: "disk_full", retryable: true });

/** A disk of a few mebibytes, mounted in the folder; undefined where this process may mount nothing. */
function smallDisk(folder: string, options = "size=4m"): { path: string; [Symbol.dispose](): void } | undefined {
  const path = join(folder, "disk");
  mkdirSync(path);
  const { exitCode } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "amoskys-test", path]);
  if (exitCode !== 0) return undefined;
  return { path, [Symbol.dispose]: () => void Bun.spawnSync(["umount", "-l", path]) };
}

const canMount = (() => {
  using folder = temporaryFolder();
  using disk = smallDisk(folder.path);
  return disk !== undefined;
})();
if (!canMount) process.stderr.write("skipped: nothing can be mounted, no disk is filled\n");

/** Writes a file that takes all that is left of a disk. */
function fillUp(folder: string): string {
  const path = join(folder, "filler");
  const rest = () => {
    for (const size of [1 << 16, 1 << 12, 1]) {
      try {
        for (;;) writeFileSync(path, new Uint8Array(size), { flag: "a" });
      } catch {
        // the next, smaller size
      }
    }
  };
  rest();
  return path;
}

/** Appends until it is refused; answers the sequence that was. */
function appendUntilFull(log: Log, first: number): number {
  for (let next = first; ; next += 10) {
    try {
      log.append(sampleBatch(next, 10, { length: 1000 }));
    } catch (caught) {
      expect(caught).toEqual(full);
      return next;
    }
  }
}

function records(log: Log): number {
  return log.stats().records;
}

describe("Ballast", () => {
  test("takes its space once, and gives it back once", () => {
    using folder = temporaryFolder();
    const ballast = new Ballast(join(folder.path, "a.db"), 200_000);
    expect(ballast.drop()).toBe(false);
    expect(ballast.take()).toBe(true);
    expect(ballast.take()).toBe(true);
    const { size, blocks, mode } = statSync(join(folder.path, "a.db.ballast"));
    expect({ size, mode: mode & 0o777 }).toEqual({ size: 200_000, mode: 0o600 });
    expect(blocks * 512).toBeGreaterThanOrEqual(200_000);
    expect(ballast.drop()).toBe(true);
    expect(ballast.drop()).toBe(false);
  });

  test.skipIf(!canMount)("takes nothing where there is not enough for all of it", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path, "size=128k");
    const ballast = new Ballast(join(disk?.path as string, "a.db"), 1 << 20);
    expect(ballast.take()).toBe(false);
    expect(existsSync(join(disk?.path as string, "a.db.ballast"))).toBe(false);
  });
});

describe.skipIf(!canMount)("a full disk", () => {
  const settings = { checkpointBytes: 262_144, idleMs: 0 };

  test("refuses appends whole, keeps what it has, and takes them again without being opened anew", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path);
    const log = openSample(disk?.path as string, settings);
    const refused = appendUntilFull(log, 1);
    const before = records(log);
    expect(before).toBe(refused - 1);
    for (let i = 0; i < 5; i += 1) expect(() => log.append(sampleBatch(refused, 10, { length: 1000 }))).toThrow(full);
    expect(records(log)).toBe(before);
    expect(log.sources()[0]?.highest).toBe(refused - 1);
    Bun.spawnSync(["mount", "-o", "remount,size=8m", disk?.path as string]);
    const next = appendUntilFull(log, refused);
    expect(next).toBeGreaterThan(refused + 100);
    log.close();
    Bun.spawnSync(["mount", "-o", "remount,size=9m", disk?.path as string]);
    const again = openLog({ path: log.path, role: "agent", budgetBytes: 1 << 30 });
    expect(again.recovery).toBeUndefined();
    expect(records(again)).toBe(next - 1);
    again.close();
  });

  test("lets records be settled and pruned, and what that frees be used again", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path);
    const log = openSample(disk?.path as string, settings);
    log.append(sampleBatch(1, 1));
    expect(existsSync(`${log.path}.ballast`)).toBe(true);
    let next = appendUntilFull(log, 2);
    const filler = fillUp(disk?.path as string);
    expect(() => log.append(sampleBatch(next, 10, { length: 1000 }))).toThrow(full);
    for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) settleGroup(log, group.id);
    expect(log.prune()).toBeGreaterThan(0);
    expect(records(log)).toBe(0);
    log.checkpoint();
    const before = next;
    next = appendUntilFull(log, next);
    expect(next).toBeGreaterThan(before + 10);
    rmSync(filler);
    log.append(sampleBatch(next, 10, { length: 1000 }));
    log.close();
  });

  test("lets a log be opened, and what waits in it be delivered", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path);
    let log = openSample(disk?.path as string, settings);
    for (let next = 1; next < 1000; next += 10) log.append(sampleBatch(next, 10, { length: 500 }));
    log.close();
    fillUp(disk?.path as string);
    log = openSample(disk?.path as string, settings);
    expect(log.recovery).toBeUndefined();
    for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) settleGroup(log, group.id);
    expect(log.prune()).toBe(1000);
    log.append(sampleBatch(1001, 10, { length: 500 }));
    log.close();
  });

  test("that a log fills by itself leaves it what settling and pruning need", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path);
    const log = openSample(disk?.path as string, settings);
    log.append(sampleBatch(1, 1));
    appendUntilFull(log, 2);
    for (let i = 0; i < 50; i += 1) expect(() => log.append(sampleBatch(100_000, 10, { length: 1000 }))).toThrow(full);
    expect(existsSync(`${log.path}.ballast`)).toBe(true);
    expect(log.diskRoomBytes()).toBeLessThan(16_384);
    for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) settleGroup(log, group.id);
    expect(log.prune()).toBeGreaterThan(100);
    expect(existsSync(`${log.path}.ballast`)).toBe(true);
    expect(log.diskRoomBytes()).toBeGreaterThan(1_000_000);
    log.close();
  });

  test("without its ballast could not even forget what is delivered", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path);
    const log = openSample(disk?.path as string, { ...settings, idleMs: 3_600_000 });
    appendUntilFull(log, 1);
    expect(existsSync(`${log.path}.ballast`)).toBe(false);
    fillUp(disk?.path as string);
    const settleAll = () => {
      for (let group = log.nextGroup(0); group; group = log.nextGroup(group.id)) settleGroup(log, group.id);
    };
    expect(settleAll).toThrow(full);
    log.close();
  });

  test("without any file to spare is a typed refusal at opening", () => {
    using folder = temporaryFolder();
    using disk = smallDisk(folder.path, "size=4m,nr_inodes=3");
    expect(() => openSample(disk?.path as string)).toThrow(expect.objectContaining({ name: "AmoskysError" }));
  });
});
