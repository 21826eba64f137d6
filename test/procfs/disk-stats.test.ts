import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { isWholeDisk, parseDiskStats } from "../../src/procfs/index.ts";

describe("parseDiskStats", () => {
  test("reads kernels with 11, 15 and 17 columns; counters are exact", () => {
    const text = [
      "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11",
      " 259       1 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
      " 254       0 vda 18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
    ].join("\n");
    const [sda, nvme, vda] = parseDiskStats(text);
    expect(sda).toMatchObject({ name: "sda", readBytes: 1536n, writtenBytes: 3584n });
    expect(sda?.counters).toMatchObject({ reads: 1n, readMs: 4n, inFlight: 9n, busyMs: 10n, weightedMs: 11n });
    expect(sda?.counters.discards).toBeUndefined();
    expect(nvme?.counters).toMatchObject({ discards: 12n, discardMs: 15n });
    expect(nvme?.counters.flushes).toBeUndefined();
    expect(vda?.counters).toMatchObject({ reads: 18_446_744_073_709_551_615n, flushes: 16n, flushMs: 17n });
  });

  test("lines that are none are left out", () => {
    expect(parseDiskStats("\n8 0 sda\n8 0 sdb 1 2 x 4 5 6 7\ngarbage")).toEqual([]);
  });
});

describe("isWholeDisk", () => {
  test.each(["sda", "sdaa", "vdb", "xvda", "hda", "nvme0n1", "nvme1c0n1", "mmcblk0", "dm-0", "md127", "nbd0"])(
    "%s",
    (name) => {
      expect(isWholeDisk(name)).toBe(true);
    },
  );
  test.each(["sda1", "sdaa12", "vdb3", "xvda1", "nvme0n1p2", "mmcblk0p1", "mmcblk0boot0", "md1p2", "nbd0p1"])(
    "%s is none",
    (name) => {
      expect(isWholeDisk(name)).toBe(false);
    },
  );
  test.each(["ram0", "loop12", "zram0", "fd0", "sr0"])("%s is none", (name) => {
    expect(isWholeDisk(name)).toBe(false);
  });

  test("no partition of this system is one", () => {
    const blocks = new Set(readdirSync("/sys/block"));
    for (const { name } of parseDiskStats(readFileSync("/proc/diskstats", "utf8"))) {
      if (isWholeDisk(name)) expect(blocks).toContain(name);
    }
  });
});
