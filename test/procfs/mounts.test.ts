import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseMountInfo } from "../../src/core/mount-info.ts";
import { realMounts } from "../../src/procfs/index.ts";

const line = (device: string, root: string, point: string, type: string, source: string, options = "rw") =>
  `36 35 ${device} ${root} ${point} ${options} shared:1 - ${type} ${source} rw\n`;

describe("realMounts", () => {
  const points = (text: string, withNetwork = false) =>
    realMounts(parseMountInfo(text), withNetwork).map(({ mountPoint }) => mountPoint);

  test("each device once, as a whole and nearest to the root, and none that stores nothing", () => {
    const text =
      line("0:22", "/", "/sys", "sysfs", "sysfs") +
      line("0:30", "/", "/tmp", "tmpfs", "tmpfs") +
      line("254:1", "/var/x", "/b", "ext4", "/dev/vda1") +
      line("254:1", "/", "/home/data", "ext4", "/dev/vda1") +
      line("254:1", "/", "/data", "ext4", "/dev/vda1") +
      line("7:1", "/", "/snap/a", "squashfs", "/dev/loop1") +
      line("0:50", "/@", "/btrfs", "btrfs", "/dev/sdc") +
      line("0:51", "/@home", "/btrfs/home", "btrfs", "/dev/sdc") +
      line("0:60", "/", "/pool", "zfs", "pool") +
      line("0:61", "/", "/pool/a", "zfs", "pool/a");
    expect(points(text)).toEqual(["/data", "/btrfs", "/pool", "/pool/a"]);
  });

  test("what another mount covers is not seen", () => {
    const covered = line("254:1", "/", "/mnt", "ext4", "/dev/vda1") + line("0:30", "/", "/mnt", "tmpfs", "tmpfs");
    expect(points(covered)).toEqual([]);
  });

  test("those of other hosts only if asked for", () => {
    const text =
      line("0:70", "/", "/net", "nfs4", "server:/x") +
      line("0:71", "/", "/s", "fuse.sshfs", "a@b:") +
      line("0:72", "/", "/g", "fuse.glusterfs", "server:/volume") +
      line("0:73", "/", "/c", "fuse.ceph-fuse", "ceph-fuse") +
      line("0:74", "/", "/portal", "fuse.portal", "portal");
    expect(points(text)).toEqual([]);
    expect(points(text, true)).toEqual(["/net", "/s", "/g", "/c"]);
  });

  test("the root of this system is there if it is a disk's", () => {
    const mounts = parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
    const root = mounts.findLast(({ mountPoint }) => mountPoint === "/");
    if (root?.type === "ext4" || root?.type === "xfs") {
      expect(realMounts(mounts, false).map(({ mountPoint }) => mountPoint)).toContain("/");
    } else expect(mounts.length).toBeGreaterThan(0);
  });
});
