import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WatchedFiles } from "../../src/roles/watched-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-watched-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("tells once of each change: written, replaced, gone, out of reach, back", () => {
  const [path, other] = [join(folder, "a"), join(folder, "b")];
  writeFileSync(path, "1");
  const files = new WatchedFiles([path, other]);
  const expectChange = () => expect([files.changed(), files.changed()]).toEqual([true, false]);
  expect(files.changed()).toBe(false);
  writeFileSync(path, "22");
  expectChange();
  writeFileSync(other, "22");
  expectChange();
  renameSync(other, path);
  expectChange();
  rmSync(path);
  expectChange();
  // a loop of links: stat(2) fails with ELOOP
  symlinkSync(path, path);
  expectChange();
  rmSync(path);
  writeFileSync(path, "1");
  expectChange();
});
