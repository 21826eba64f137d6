import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { syscallNames } from "../../src/data/syscalls-x86-64.ts";

const header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
if (!existsSync(header)) process.stderr.write(`skipped: ${header} is not here (linux-libc-dev)\n`);

describe("syscallNames", () => {
  test("has no name twice", () => {
    expect(new Set(syscallNames.values()).size).toBe(syscallNames.size);
    expect([...syscallNames.values()].every((name) => /^[a-z0-9_]+$/.test(name))).toBe(true);
  });

  test("knows calls of old and new kernels", () => {
    expect([0, 59, 334, 335, 424, 450, 451, 469].map((number) => syscallNames.get(number))).toEqual([
      "read",
      "execve",
      "rseq",
      "uretprobe",
      "pidfd_send_signal",
      "set_mempolicy_home_node",
      "cachestat",
      "file_setattr",
    ]);
    expect(syscallNames.get(400)).toBeUndefined();
  });

  test.skipIf(!existsSync(header))("says what the kernel's own header says", () => {
    const entries = [...readFileSync(header, "utf8").matchAll(/#define __NR_(\w+) (\d+)/g)];
    expect(entries.length).toBeGreaterThan(360);
    expect(entries.filter(([, name, number]) => syscallNames.get(Number(number)) !== name)).toEqual([]);
  });
});
