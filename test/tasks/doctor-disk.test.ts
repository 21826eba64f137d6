import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { FileSystemFacts } from "../../src/native/index.ts";
import { checkDisk, type DiskOptions, existingFolder, measureSyncMs } from "../../src/tasks/doctor-disk.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-doctor-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const plenty: FileSystemFacts = { type: "ext", network: false, totalBytes: 1e12, freeBytes: 1e11 };
const check = (facts: Partial<FileSystemFacts> = {}, more: Partial<DiskOptions> = {}) =>
  checkDisk({
    path: root,
    freeBytesMin: 1000,
    logBytesMax: 500,
    clock: systemClock,
    look: () => ({ ...plenty, ...facts }),
    ...more,
  });

describe("doctor: disk", () => {
  test("says type, free space and how long a sync takes, and leaves nothing behind", async () => {
    const found = await check();
    expect(found).toMatchObject({ status: "ok", found: expect.stringMatching(/^ext, 93.1 GiB free, sync .* ms, in /) });
    expect(found.figures?.sync_ms).toBeGreaterThan(0);
    expect(readdirSync(root)).toEqual([]);
  });

  test.each([
    ["another host's", { network: true, type: "nfs" }, "fail", "log_io"],
    ["nearly full", { freeBytes: 999 }, "fail", "disk_full"],
    ["in memory", { type: "tmpfs" }, "warn", undefined],
    ["too small for the logs", { freeBytes: 1999 }, "warn", undefined],
  ] as const)("a file system that is %s", async (_name, facts, status, code) => {
    const found = await check(facts);
    expect(found.status).toBe(status);
    expect(found.code).toBe(code as never);
    expect(found.lost).toBeString();
    expect(found.hint).toBeString();
  });

  test("a slow sync is told", async () => {
    let nowMs = 0;
    const clock = { monotonicMs: () => (nowMs += 40) };
    expect(await check({}, { clock })).toMatchObject({ status: "warn", lost: expect.stringContaining("40 ms") });
  });

  test("the median is taken", () => {
    // a start and an end for each: one of them took 9 seconds, the others 3 ms
    const times = [0, 9000, ...Array.from({ length: 100 }, (_, i) => 10_000 + 3 * i)].values();
    const clock = { monotonicMs: () => times.next().value ?? 0 };
    expect(measureSyncMs(root, clock)).toBe(3);
  });

  test("looks at where a folder would be made", () => {
    expect(existingFolder(join(root, "a/b/c"))).toBe(root);
    expect(existingFolder("/")).toBe("/");
  });

  test("a place that cannot be written is a failure, and a file of somebody else there is left alone", async () => {
    expect(await checkDisk({ path: "/proc/self", freeBytesMin: 0, logBytesMax: 0, clock: systemClock })).toMatchObject({
      status: "fail",
      code: "log_io",
      found: expect.stringContaining("Cannot write in /proc/self"),
    });
    const taken = join(root, "taken");
    mkdirSync(taken);
    writeFileSync(join(taken, `.amoskys-doctor-${process.pid}`), "mine");
    expect(await check({}, { path: taken })).toMatchObject({
      status: "fail",
      found: expect.stringContaining("EEXIST"),
    });
    expect(await Bun.file(join(taken, `.amoskys-doctor-${process.pid}`)).text()).toBe("mine");
  });
});
