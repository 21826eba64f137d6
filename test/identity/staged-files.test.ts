import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { finishPendingFiles, hasPendingFiles, type NewFile, placeNewFiles } from "../../src/identity/staged-files.ts";

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-staged-"));
  folder = join(home, "certs");
  mkdirSync(folder);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const filesOf = (base: string): NewFile[] => [
  { path: join(base, "certs", "a.crt"), content: "cert", mode: 0o644 },
  { path: join(base, "certs", "a.key"), content: "key", mode: 0o600 },
  { path: join(base, "certs", "a.seed"), content: new Uint8Array([0, 255, 10]), mode: 0o600 },
  { path: join(base, "config", "map.yaml"), content: "map", mode: 0o644 },
];

/** All files in their places, and nothing beside them. */
function expectWhole(base: string): void {
  expect(readdirSync(join(base, "certs")).sort()).toEqual(["a.crt", "a.key", "a.seed"]);
  for (const { path, content, mode } of filesOf(base)) {
    expect(readFileSync(path)).toEqual(Buffer.from(content as string));
    expect(statSync(path).mode & 0o777).toBe(mode);
    expect(statSync(path).nlink).toBe(1);
  }
}

/** What the folder looks like when the process died after the decision and `moved` of its moves. */
function breakOff(moved: number): void {
  placeNewFiles(folder, filesOf(home));
  const pending = join(folder, ".pending");
  mkdirSync(pending, { mode: 0o700 });
  for (const [index, { path }] of filesOf(home).entries()) {
    if (index >= moved) renameSync(path, join(pending, String(index)));
  }
  const places = ["a.crt", "a.key", "a.seed", "../config/map.yaml"];
  writeFileSync(join(pending, "places.json"), JSON.stringify(places));
}

describe("placeNewFiles", () => {
  test("puts every file in its place with its mode", () => {
    placeNewFiles(folder, filesOf(home));
    expectWhole(home);
    expect(hasPendingFiles(folder)).toBe(false);
  });

  test("never overwrites, and makes nothing where one is there", () => {
    writeFileSync(join(folder, "a.key"), "mine");
    expect(() => placeNewFiles(folder, filesOf(home))).toThrow("a.key exists already; nothing was changed");
    expect(readdirSync(folder)).toEqual(["a.key"]);
    expect(existsSync(join(home, "config"))).toBe(false);
  });

  test("refuses while another change is pending", () => {
    breakOff(0);
    expect(() => placeNewFiles(folder, filesOf(home))).toThrow("Another change to");
    expect(finishPendingFiles(folder)).toHaveLength(4);
    expectWhole(home);
  });

  test("clears away what an earlier process left unfinished", () => {
    mkdirSync(join(folder, ".unfinished-old"));
    writeFileSync(join(folder, ".unfinished-old", "0"), "secret");
    placeNewFiles(folder, filesOf(home));
    expectWhole(home);
  });

  test("many processes at the same time make all of their files", async () => {
    const module = resolve(import.meta.dir, "../../src/identity/staged-files.ts");
    const makeMany = `
      const { placeNewFiles } = await import(${JSON.stringify(module)});
      const [folder, name] = process.argv.slice(1);
      for (let n = 0; n < 20; n += 1)
        placeNewFiles(folder, [{ path: folder + "/" + name + n, content: name, mode: 0o600 }]);`;
    const children = ["a", "b", "c", "d"].map((name) =>
      Bun.spawn([process.execPath, "-e", makeMany, folder, name], { stdio: ["ignore", "inherit", "inherit"] }),
    );
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0, 0]);
    expect(readdirSync(folder)).toHaveLength(80);
  });

  test("says where it may not write", () => {
    expect(() => placeNewFiles("/proc", [{ path: "/proc/amoskys.crt", content: "", mode: 0o600 }])).toThrow(
      "Cannot write to /proc",
    );
  });
});

describe("finishPendingFiles", () => {
  test.each([0, 1, 2, 3, 4])("goes on after %d of 4 moves", (moved) => {
    breakOff(moved);
    expect(hasPendingFiles(folder)).toBe(true);
    expect(finishPendingFiles(folder)).toEqual(
      filesOf(home)
        .slice(moved)
        .map((file) => file.path),
    );
    expectWhole(home);
    expect(finishPendingFiles(folder)).toEqual([]);
  });

  test("goes on in the middle of a move, when a file has both names", () => {
    breakOff(1);
    linkSync(join(folder, ".pending", "1"), join(folder, "a.key"));
    finishPendingFiles(folder);
    expectWhole(home);
  });

  test("never overwrites what came meanwhile, and says what to do", () => {
    breakOff(2);
    writeFileSync(join(folder, "a.seed"), "another");
    let error: AmoskysError | undefined;
    try {
      finishPendingFiles(folder);
    } catch (caught) {
      error = caught as AmoskysError;
    }
    expect(error?.code).toBe("identity_invalid");
    expect(error?.hint).toBe(`rm -r ${join(folder, ".pending")}`);
    expect(readFileSync(join(folder, "a.seed"), "utf8")).toBe("another");
    unlinkSync(join(folder, "a.seed"));
    finishPendingFiles(folder);
    expectWhole(home);
  });
});

// a process that makes one home after another is killed at any moment, many times
test("a killed process leaves nothing, or what finishPendingFiles makes whole", async () => {
  const module = resolve(import.meta.dir, "../../src/identity/staged-files.ts");
  const make = `
    const { placeNewFiles } = await import(${JSON.stringify(module)});
    const { mkdirSync } = await import("node:fs");
    const [root, files] = [process.argv[1], JSON.parse(process.argv[2])];
    for (let n = 0; ; n += 1) {
      const home = root + "/h" + n;
      mkdirSync(home + "/certs", { recursive: true });
      const content = (file) => (typeof file.content === "string" ? file.content : new Uint8Array(file.content));
      placeNewFiles(home + "/certs", files.map((f) => ({ ...f, path: home + f.path, content: content(f) })));
    }`;
  const plain = filesOf("/").map((file) => ({
    ...file,
    content: typeof file.content === "string" ? file.content : Array.from(file.content),
  }));
  const found = { nothing: 0, finished: 0, whole: 0 };
  for (let round = 0; round < 12; round += 1) {
    const root = join(home, `round${round}`);
    mkdirSync(root);
    const child = Bun.spawn([process.execPath, "-e", make, root, JSON.stringify(plain)], { stderr: "inherit" });
    while (!existsSync(join(root, "h1"))) await Bun.sleep(1);
    await Bun.sleep(Math.random() * 10);
    child.kill("SIGKILL");
    await child.exited;
    for (const name of readdirSync(root)) {
      const base = join(root, name);
      if (!existsSync(join(base, "certs"))) continue;
      if (hasPendingFiles(join(base, "certs"))) {
        finishPendingFiles(join(base, "certs"));
        found.finished += 1;
      } else if (existsSync(join(base, "certs", "a.crt"))) found.whole += 1;
      else {
        found.nothing += 1;
        expect(existsSync(join(base, "config"))).toBe(false);
        continue;
      }
      expectWhole(base);
    }
  }
  if (process.env.AMOSKYS_LONG) process.stderr.write(`${JSON.stringify(found)}\n`);
  expect(found.whole).toBeGreaterThan(0);
  expect(found.nothing + found.finished).toBeGreaterThan(0);
}, 20_000);
