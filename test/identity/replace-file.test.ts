import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { replaceFile } from "../../src/identity/replace-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "amoskys-replace-"));
  path = join(folder, "config", "map.yaml");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("replaceFile", () => {
  test("makes a file with its folder, then replaces it, and leaves nothing else", () => {
    const seen: boolean[] = [];
    for (const text of ["one", "two"]) {
      replaceFile(path, (exists) => {
        seen.push(exists);
        return text;
      });
      expect(readFileSync(path, "utf8")).toBe(text);
    }
    expect(seen).toEqual([false, true]);
    expect(readdirSync(join(folder, "config"))).toEqual(["map.yaml"]);
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  test("keeps the mode, and a link", () => {
    replaceFile(path, () => "one");
    chmodSync(path, 0o640);
    symlinkSync("config/map.yaml", join(folder, "link"));
    replaceFile(join(folder, "link"), () => "two");
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  test("changes nothing where the change fails", () => {
    replaceFile(path, () => "one");
    const failing = () => {
      throw new Error("no");
    };
    expect(() => replaceFile(path, failing)).toThrow("no");
    expect(readFileSync(path, "utf8")).toBe("one");
    expect(readdirSync(join(folder, "config"))).toEqual(["map.yaml"]);
  });

  test("lets only one in at a time, and says how to get past one that broke off", () => {
    replaceFile(path, () => "one");
    let error: AmoskysError | undefined;
    replaceFile(path, () => {
      try {
        replaceFile(path, () => "inner");
      } catch (caught) {
        error = caught as AmoskysError;
      }
      return "outer";
    });
    expect(error?.code).toBe("identity_invalid");
    expect(error?.message).toContain("Another change to");
    expect(error?.hint).toBe(`rm ${path}.lock`);
    expect(readFileSync(path, "utf8")).toBe("outer");
  });

  test("says where it may not write", () => {
    expect(() => replaceFile("/proc/amoskys/map.yaml", () => "x")).toThrow("Cannot write to /proc/amoskys/map.yaml");
  });

  // readers and a killed writer in other processes, as they are in service
  test("readers find the old text or the new one whole, also when the writer is killed", async () => {
    const module = resolve(import.meta.dir, "../../src/identity/replace-file.ts");
    const write = `
      const { replaceFile } = await import(${JSON.stringify(module)});
      for (let n = 0; ; n += 1) replaceFile(process.argv[1], () => String(n % 10).repeat(100_000));`;
    for (let round = 0; round < 3; round += 1) {
      rmSync(`${path}.lock`, { force: true });
      const child = Bun.spawn([process.execPath, "-e", write, path], { stderr: "inherit" });
      const end = performance.now() + 150;
      let reads = 0;
      while (performance.now() < end || reads === 0) {
        await Bun.sleep(1);
        const text = statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, "utf8") : "";
        if (text === "") continue;
        reads += 1;
        expect(text).toBe((text[0] as string).repeat(100_000));
      }
      child.kill("SIGKILL");
      await child.exited;
      const text = readFileSync(path, "utf8");
      expect(text).toBe((text[0] as string).repeat(100_000));
    }
  });
});
