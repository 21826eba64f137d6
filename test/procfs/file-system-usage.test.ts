import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFileSystemUsage } from "../../src/procfs/index.ts";

test("readFileSystemUsage is what df says", async () => {
  const usage = await readFileSystemUsage("/", 5000);
  const df = Bun.spawnSync(["df", "-B1", "--output=size,itotal,avail", "/"]).stdout.toString().split("\n")[1];
  const [size, inodes, available] = (df ?? "").trim().split(/\s+/).map(Number) as [number, number, number];
  expect(usage).toMatchObject({ sizeBytes: size, inodes });
  expect(Math.abs((usage?.availableBytes ?? 0) - available)).toBeLessThan(200e6);
  expect(usage?.inodesFree).toBeLessThanOrEqual(inodes);
});

test("readFileSystemUsage of what is not there, or has not answered yet, is undefined", async () => {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-usage-"));
  rmSync(folder, { recursive: true });
  expect(await readFileSystemUsage(folder, 5000)).toBeUndefined();
  const first = readFileSystemUsage("/", 5000);
  expect(await readFileSystemUsage("/", 5000)).toBeUndefined();
  expect(await first).toBeDefined();
});
