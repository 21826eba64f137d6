import { describe, expect, test } from "bun:test";
import { parseMountInfo } from "../../src/core/mount-info.ts";

describe("parseMountInfo", () => {
  test("escapes, no optional fields, read-only by either list", () => {
    const text =
      "36 35 98:0 /mnt1 /mnt\\0402\\134x ro,noatime master:1 - ext3 /dev/root\\011a rw,errors=continue\n" +
      "1128 67 253:0 / /srv rw,relatime - xfs /dev/sdb ro\n" +
      "broken line\n - \n";
    expect(parseMountInfo(text)).toEqual([
      {
        device: "98:0",
        root: "/mnt1",
        mountPoint: "/mnt 2\\x",
        type: "ext3",
        source: "/dev/root\ta",
        isReadOnly: true,
      },
      { device: "253:0", root: "/", mountPoint: "/srv", type: "xfs", source: "/dev/sdb", isReadOnly: true },
    ]);
  });
});
