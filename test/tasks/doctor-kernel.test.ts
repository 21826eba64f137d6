import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  checkDescriptors,
  checkKernelTypes,
  checkPacketRing,
  parseDescriptorLimit,
} from "../../src/tasks/doctor-kernel.ts";
import { namespaceObstacle } from "../support/network-namespace.ts";

const sockets = () => readFileSync("/proc/net/packet", "latin1").trim().split("\n").length;

describe("doctor: kernel", () => {
  test.skipIf(namespaceObstacle() !== undefined)("opens a ring and leaves none", async () => {
    const before = sockets();
    const check = await checkPacketRing(true);
    expect(check).toMatchObject({ status: "ok", found: expect.stringContaining("opens on lo") });
    expect(sockets()).toBe(before);
  });

  test("a ring that does not open fails with its reason, or warns where nobody captures", () => {
    const doctor = new URL("../../src/tasks/doctor-kernel.ts", import.meta.url).pathname;
    const program = `const { checkPacketRing } = await import(${JSON.stringify(doctor)});
      process.stdout.write(JSON.stringify([await checkPacketRing(true), await checkPacketRing(false)]));`;
    const user = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"] : [];
    const child = Bun.spawnSync([...user, process.execPath, "-e", program]);
    const [needed, unneeded] = JSON.parse(child.stdout.toString());
    expect(needed).toMatchObject({ status: "fail", code: "privilege_missing" });
    expect(unneeded).toMatchObject({ status: "warn", found: 'Cannot capture on "lo": CAP_NET_RAW is missing' });
    expect(unneeded.code).toBeUndefined();
  });

  test("types of the kernel: there or not", async () => {
    expect(await checkKernelTypes("/proc/self/status")).toMatchObject({ status: "ok" });
    expect(await checkKernelTypes("/nowhere/vmlinux")).toMatchObject({
      status: "warn",
      found: "no BTF in this kernel",
    });
  });

  test.each([
    ["Max open files            1024                 524288               files", 1024],
    [
      "Max cpu time   unlimited unlimited seconds\nMax open files            unlimited      unlimited      files",
      Infinity,
    ],
    ["", undefined],
    ["Max open files", undefined],
    ["Max open files            x                    y                    files", undefined],
  ])("the limit in %p is %p", (text, limit) => {
    expect(parseDescriptorLimit(text)).toBe(limit as number);
  });

  test("few descriptors are a warning with what they cost", async () => {
    const limits = (soft: string) => () => `Max open files            ${soft}  524288  files\n`;
    expect(await checkDescriptors(limits("1024"))).toMatchObject({
      status: "warn",
      lost: expect.stringContaining("921"),
    });
    expect(await checkDescriptors(limits("65536"))).toMatchObject({ status: "ok", found: "65536 at once" });
    expect(await checkDescriptors(limits("unlimited"))).toMatchObject({ status: "ok", found: "any number at once" });
    expect(await checkDescriptors(() => "")).toMatchObject({ status: "warn" });
    expect((await checkDescriptors()).figures?.limit).toBe(
      parseDescriptorLimit(readFileSync("/proc/self/limits", "latin1")),
    );
  });
});
