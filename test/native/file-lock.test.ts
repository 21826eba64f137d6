import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { lockFile } from "../../src/native/index.ts";

const module = resolve(import.meta.dir, "../../src/native/file-lock.ts");
const holdLock = `
  const { lockFile } = await import(${JSON.stringify(module)});
  const { openSync } = await import("node:fs");
  console.log(lockFile(openSync(process.argv[1], "r"), "it", 0));
  await Bun.sleep(60_000);`;

test("a lock is one process's until it ends", async () => {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-lock-"));
  const fd = openSync(folder, "r");
  const holder = Bun.spawn([process.execPath, "-e", holdLock, folder], { stdout: "pipe" });
  try {
    const said = await holder.stdout.getReader().read();
    expect(new TextDecoder().decode(said.value).trim()).toBe("true");
    expect(lockFile(fd, folder, 50)).toBe(false);
    holder.kill("SIGKILL");
    expect(lockFile(fd, folder, 5000)).toBe(true);
  } finally {
    holder.kill("SIGKILL");
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});

test("what is no file is refused with the reason", () => {
  expect(() => lockFile(-1, "it", 0)).toThrow("Cannot lock it: flock failed with EBADF");
});
