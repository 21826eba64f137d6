import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileReader } from "../../src/procfs/index.ts";

const folder = mkdtempSync(join(tmpdir(), "amoskys-file-reader-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("FileReader", () => {
  test("reads files of any size whole, with a buffer that grows, up to its bound", () => {
    const path = join(folder, "large");
    const text = "0123456789".repeat(1000);
    writeFileSync(path, text);
    expect(new FileReader(16).readText(path)).toBe(text);
    expect(new FileReader(16, 100).readText(path)).toBe(text.slice(0, 100));
    expect(new FileReader(16).readOnce(path)).toBe(16);
    expect(new FileReader(16).readOnce(path, 4)).toBe(4);
  });

  test("files of the kernel that come in many pieces are whole", () => {
    expect(new FileReader(16).readText("/proc/version")).toBe(readFileSync("/proc/version", "utf8"));
    const devices = readFileSync("/proc/devices", "utf8");
    expect(new FileReader(7).readText("/proc/devices")).toBe(devices);
  });

  test("what is missing is undefined; bytes that are no UTF-8 are replaced; a folder is an error", () => {
    writeFileSync(join(folder, "raw"), Uint8Array.of(0x61, 0xff));
    const reader = new FileReader();
    expect(reader.readText(join(folder, "none"))).toBeUndefined();
    expect(reader.readText(join(folder, "raw/none"))).toBeUndefined();
    expect(reader.readText(join(folder, "raw"))).toBe("a\ufffd");
    expect(() => reader.readText(folder)).toThrow();
  });

  test("no descriptor is left open", () => {
    const count = () => readFileSync("/proc/self/status", "latin1").match(/^FDSize:\t(\d+)/m)?.[1];
    const before = count();
    const reader = new FileReader();
    for (let i = 0; i < 1000; i += 1) reader.readText("/proc/loadavg");
    for (let i = 0; i < 1000; i += 1) expect(() => reader.readText(folder)).toThrow();
    expect(count()).toBe(before as string);
  });
});
