import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { syscallNamesI386 } from "../../src/data/syscalls-i386.ts";

const header = "/usr/include/x86_64-linux-gnu/asm/unistd_32.h";
if (!existsSync(header)) process.stderr.write(`skipped: ${header} is not here (linux-libc-dev)\n`);

describe("syscallNamesI386", () => {
  test("has no name twice", () => {
    expect(new Set(syscallNamesI386.values()).size).toBe(syscallNamesI386.size);
    expect([...syscallNamesI386.values()].every((name) => /^[a-z0-9_]+$/.test(name))).toBe(true);
  });

  test("knows calls of old and new kernels, and none where a number was never used", () => {
    const names = [0, 11, 102, 358, 403, 424, 450, 469].map((number) => syscallNamesI386.get(number));
    expect(names).toEqual([
      "restart_syscall",
      "execve",
      "socketcall",
      "execveat",
      "clock_gettime64",
      "pidfd_send_signal",
      "set_mempolicy_home_node",
      "file_setattr",
    ]);
    for (const unused of [222, 251, 285, 387]) expect(syscallNamesI386.get(unused)).toBeUndefined();
  });

  test.skipIf(!existsSync(header))("says what the kernel's own header says", () => {
    const entries = [...readFileSync(header, "utf8").matchAll(/#define __NR_(\w+) (\d+)/g)];
    expect(entries.length).toBeGreaterThan(430);
    expect(entries.filter(([, name, number]) => syscallNamesI386.get(Number(number)) !== name)).toEqual([]);
  });
});
