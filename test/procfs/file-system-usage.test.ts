import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileSystemUsage, readFileSystemUsage } from "../../src/procfs/index.ts";
import { fuseObstacle, mountFuse } from "../support/fuse-disk.ts";

/** What df says, in bytes. */
function df(path: string): Pick<FileSystemUsage, "sizeBytes" | "inodes" | "availableBytes"> {
  const text = Bun.spawnSync(["df", "-B1", "--output=size,itotal,avail", path]).stdout.toString();
  const words = (text.split("\n")[1] ?? "").trim().split(/\s+/).map(Number);
  const [sizeBytes, inodes, availableBytes] = words as [number, number, number];
  return { sizeBytes, inodes, availableBytes };
}

async function usageOf(path: string): Promise<FileSystemUsage> {
  const answer = await readFileSystemUsage(path, 5000);
  if (answer.outcome !== "told") throw new Error(`${path}: ${answer.outcome}`);
  return answer.usage;
}

test("readFileSystemUsage is what df says", async () => {
  const usage = await usageOf("/");
  const { sizeBytes, inodes, availableBytes } = df("/");
  expect(usage).toMatchObject({ sizeBytes, inodes });
  expect(Math.abs(usage.availableBytes - availableBytes)).toBeLessThan(200e6);
  expect(usage.inodesFree).toBeLessThanOrEqual(inodes);
});

test("readFileSystemUsage of what is not there is refused, and what has not answered is not asked twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-usage-"));
  rmSync(folder, { recursive: true });
  expect(await readFileSystemUsage(folder, 5000)).toEqual({ outcome: "refused", errno: "ENOENT" });
  const first = readFileSystemUsage("/", 5000);
  expect(await readFileSystemUsage("/", 5000)).toEqual({ outcome: "silent" });
  expect(await first).toMatchObject({ outcome: "told" });
});

describe.skipIf(fuseObstacle() !== undefined)("readFileSystemUsage behind FUSE", () => {
  test("blocks are counted as the file system counts them, whatever size it likes to be read in", async () => {
    await using disk = await mountFuse("fuse.glusterfs", { bsize: 1 << 20, frsize: 512 });
    const usage = await usageOf(disk.folder);
    expect(usage).toMatchObject(df(disk.folder));
    expect(usage).toMatchObject({ sizeBytes: 512_000, freeBytes: 307_200, inodes: 70, inodesFree: 60 });
  });

  test("one that never answers is silent, and is let go", async () => {
    await using disk = await mountFuse("fuse.sshfs", { silent: true });
    expect(await readFileSystemUsage(disk.folder, 50)).toEqual({ outcome: "silent" });
    expect(await readFileSystemUsage(disk.folder, 600_000)).toEqual({ outcome: "silent" });
  }, 20_000);
});
