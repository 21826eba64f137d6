import { describe, expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { mountTypeOf } from "../../src/native/file-system.ts";
import { readFileSystem } from "../../src/native/index.ts";
import { fuseObstacle, mountFuse } from "../support/fuse-disk.ts";

const mountinfo = `40 22 0:44 / /srv/deep rw - xfs /dev/vdc rw
22 27 0:21 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /mnt rw - nfs4 server:/export rw
31 30 0:41 / /mnt/with\\040space rw shared:1 - fuse.sshfs me@host: rw
32 22 0:42 / /data rw - ext4 /dev/vdb rw
33 22 0:43 / /data rw - tmpfs tmpfs rw`;

describe("file system", () => {
  test("knows a file system in memory and one of the kernel's own", () => {
    const shared = readFileSystem("/dev/shm");
    expect(shared.type).toBe("tmpfs");
    expect(shared.network).toBe(false);
    expect(shared.totalBytes).toBeGreaterThan(0);
    expect(readFileSystem("/proc").type).toBe("0x9fa0");
  });

  test("free is what an ordinary user may still write", () => {
    const { bavail, bsize, blocks } = statfsSync("/");
    const facts = readFileSystem("/");
    expect(facts.totalBytes).toBe(blocks * bsize);
    expect(Math.abs(facts.freeBytes - bavail * bsize)).toBeLessThan(1 << 30);
    expect(facts.freeBytes).toBeLessThan(facts.totalBytes);
  });

  test.skipIf(fuseObstacle() !== undefined)("behind FUSE, its type says whether it is of the network", async () => {
    await using near = await mountFuse("fuse.portal", { bsize: 1 << 20, frsize: 512 });
    const sizes = { totalBytes: 512_000, freeBytes: 256_000 };
    expect(readFileSystem(near.folder)).toEqual({ type: "fuse.portal", network: false, ...sizes });
    await using far = await mountFuse("fuse.glusterfs");
    expect(readFileSystem(far.folder)).toMatchObject({ type: "fuse.glusterfs", network: true });
  });

  test("a path that is not there is told as such", () => {
    expect(() => readFileSystem("/nowhere/at/all")).toThrow(expect.objectContaining({ code: "file_missing" }));
  });

  test.each([
    ["/", "ext4"],
    ["/mntother", "ext4"],
    ["/srv/deep/er", "xfs"],
    ["/srv", "ext4"],
    ["/mnt", "nfs4"],
    ["/mnt/a/b", "nfs4"],
    ["/mnt/with space/x", "fuse.sshfs"],
    ["/data/x", "tmpfs"],
  ])("the mount of %s is %s", (path, type) => {
    expect(mountTypeOf(path, mountinfo)).toBe(type);
  });

  test("no mount is found in nothing or in garbage", () => {
    expect(mountTypeOf("/", "")).toBeUndefined();
    expect(mountTypeOf("/", "a b c\n - \n\n22 27")).toBeUndefined();
  });
});
