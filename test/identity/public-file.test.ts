import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AmoskysError } from "../../src/core/errors.ts";
import { readPublicFile } from "../../src/identity/public-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-public-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function messageOf(path: string): string {
  try {
    readPublicFile(path, 10);
  } catch (caught) {
    expect(caught).toBeInstanceOf(AmoskysError);
    expect((caught as AmoskysError).code).toBe("identity_invalid");
    return (caught as AmoskysError).message;
  }
  throw new Error("it was read");
}

describe("readPublicFile", () => {
  test("reads text up to the limit, also through links", () => {
    const path = join(folder, "ten");
    writeFileSync(path, "0123456789");
    symlinkSync("ten", join(folder, "link"));
    expect(readPublicFile(path, 10)).toBe("0123456789");
    expect(readPublicFile(join(folder, "link"), 10)).toBe("0123456789");
    writeFileSync(path, "");
    expect(readPublicFile(path, 10)).toBe("");
  });

  test("refuses what is larger, no file, no text, or not there, without waiting", () => {
    const path = join(folder, "eleven");
    writeFileSync(path, "01234567890");
    expect(messageOf(path)).toContain("is 11 bytes, more than 10");
    writeFileSync(path, new Uint8Array([0xc3, 0x28]));
    expect(messageOf(path)).toContain("is not UTF-8 text");
    expect(messageOf(folder)).toContain("is no regular file");
    expect(spawnSync("mkfifo", [join(folder, "fifo")]).status).toBe(0);
    expect(messageOf(join(folder, "fifo"))).toContain("is no regular file");
    expect(messageOf("/dev/zero")).toContain("is no regular file");
    expect(messageOf(join(folder, "none"))).toContain("does not exist");
    expect(messageOf(join(folder, "eleven", "none"))).toContain("cannot be read: ENOTDIR");
  });

  test("refuses what everybody can write, the file or its folder or that of a link's end", () => {
    const inner = join(folder, "inner");
    mkdirSync(inner);
    writeFileSync(join(inner, "a"), "a");
    symlinkSync("inner/a", join(folder, "to-inner"));
    chmodSync(join(inner, "a"), 0o646);
    expect(messageOf(join(inner, "a"))).toContain("can be written by everybody");
    chmodSync(join(inner, "a"), 0o664);
    expect(readPublicFile(join(inner, "a"), 10)).toBe("a");
    chmodSync(inner, 0o777);
    expect(messageOf(join(inner, "a"))).toBe(`${inner} can be written by everybody`);
    expect(messageOf(join(folder, "to-inner"))).toBe(`${inner} can be written by everybody`);
    chmodSync(inner, 0o1777);
    expect(readPublicFile(join(folder, "to-inner"), 10)).toBe("a");
  });
});
