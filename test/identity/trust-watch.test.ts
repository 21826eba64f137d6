import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AmoskysError } from "../../src/core/errors.ts";
import { formatPublicKey } from "../../src/identity/public-key.ts";
import { createSigner } from "../../src/identity/signer.ts";
import type { TrustMap } from "../../src/identity/trust-map.ts";
import { type TrustWatch, watchTrustMap } from "../../src/identity/trust-watch.ts";

const everyMs = 10;
let home: string;
let path: string;
let watch: TrustWatch | undefined;
let changes: TrustMap[];
let errors: AmoskysError[];

const pemOf = (number: number) => formatPublicKey(createSigner("a", new Uint8Array(32).fill(number)).publicKey);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "amoskys-watch-"));
  path = join(home, "trust_map.yaml");
  for (const [index, name] of ["a.pub", "b.pub"].entries()) writeFileSync(join(home, name), pemOf(index + 1));
  writeFileSync(path, "agents: {a: a.pub}");
  [changes, errors] = [[], []];
});

afterEach(() => {
  watch?.close();
  rmSync(home, { recursive: true, force: true });
});

function start(): TrustWatch {
  watch = watchTrustMap(path, {
    everyMs,
    onChange: (map) => changes.push(map),
    onError: (error) => errors.push(error),
  });
  return watch;
}

/** Waits until something holds; fails after two seconds, which is what is promised. */
async function within2s(holds: () => boolean): Promise<void> {
  const end = performance.now() + 2000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("not within 2 s");
    await Bun.sleep(5);
  }
}

/** Long enough for several looks. */
const aWhile = () => Bun.sleep(everyMs * 8);
const names = (map: TrustMap | undefined) => [...(map?.entries.keys() ?? [])];

describe("watchTrustMap", () => {
  test("loads at once, and throws where that is not possible", () => {
    expect(names(start().current)).toEqual(["a"]);
    writeFileSync(path, "agents: {");
    expect(() => watchTrustMap(path, { onChange() {}, onError() {} })).toThrow("trust_map.yaml");
  });

  test("hands out nothing while nothing changes, also where the file is written anew", async () => {
    start();
    await aWhile();
    writeFileSync(path, "agents: {a: a.pub}");
    await aWhile();
    expect([changes, errors]).toEqual([[], []]);
  });

  test("follows a change in place, a file put in its place, and a key", async () => {
    const { current } = start();
    writeFileSync(path, "agents: {a: a.pub, b: b.pub}");
    await within2s(() => changes.length === 1);
    expect(names(watch?.current)).toEqual(["a", "b"]);
    expect(names(current)).toEqual(["a"]);
    writeFileSync(`${path}.new`, "agents: {b: b.pub}");
    renameSync(`${path}.new`, path);
    await within2s(() => changes.length === 2);
    expect(names(changes[1])).toEqual(["b"]);
    writeFileSync(join(home, "b.pub"), pemOf(5));
    await within2s(() => changes.length === 3);
    expect(changes[2]?.entries.get("b")?.keys[0]?.publicKey).toEqual(
      createSigner("a", new Uint8Array(32).fill(5)).publicKey,
    );
    expect(errors).toEqual([]);
  });

  test("follows a link that is led elsewhere", async () => {
    for (const [folder, text] of Object.entries({ one: "agents: {a: a.pub}", two: "agents: {b: b.pub}" })) {
      mkdirSync(join(home, folder));
      writeFileSync(join(home, folder, "map.yaml"), text);
    }
    symlinkSync("one", join(home, "data"));
    unlinkSync(path);
    symlinkSync("data/map.yaml", path);
    start();
    symlinkSync("two", join(home, "data.new"));
    renameSync(join(home, "data.new"), join(home, "data"));
    await within2s(() => changes.length === 1);
    expect(names(watch?.current)).toEqual(["b"]);
  });

  test("keeps the old map while the file is broken, says so once, and goes on when it is mended", async () => {
    start();
    const before = watch?.current;
    for (const broken of ["agents: {", "", "agents: {a: nowhere.pub}"]) {
      writeFileSync(path, broken);
      const count = errors.length;
      await within2s(() => errors.length > count);
      await aWhile();
      expect(errors.length).toBe(count + 1);
      expect(errors.at(-1)?.code).toBe("identity_invalid");
      expect(watch?.current).toBe(before as TrustMap);
    }
    unlinkSync(path);
    await within2s(() => errors.length === 4);
    expect(errors[3]?.message).toContain("does not exist");
    writeFileSync(path, "agents: {a: a.pub}");
    await aWhile();
    expect([changes.length, watch?.current.hasKey("a", "ever")]).toEqual([0, true]);
    writeFileSync(path, "agents: {b: b.pub}");
    await within2s(() => changes.length === 1);
    expect(names(changes[0])).toEqual(["b"]);
  });

  test("finds the key that a new map waited for, and the return of one that was gone", async () => {
    start();
    writeFileSync(path, "agents: {a: a.pub, c: c.pub}");
    await within2s(() => errors.length === 1);
    writeFileSync(join(home, "c.pub"), pemOf(6));
    await within2s(() => changes.length === 1);
    expect(names(watch?.current)).toEqual(["a", "c"]);
    unlinkSync(join(home, "c.pub"));
    await within2s(() => errors.length === 2);
    writeFileSync(join(home, "c.pub"), pemOf(7));
    await within2s(() => changes.length === 2);
  });

  test("sees nothing any more once it is closed", async () => {
    start().close();
    writeFileSync(path, "agents: {b: b.pub}");
    await aWhile();
    expect([changes, errors]).toEqual([[], []]);
  });

  test("takes effect within 2 s with its own interval", async () => {
    watch = watchTrustMap(path, { onChange: (map) => changes.push(map), onError: (error) => errors.push(error) });
    writeFileSync(path, "agents: {}");
    await within2s(() => changes.length === 1);
    expect(names(changes[0])).toEqual([]);
  });
});
