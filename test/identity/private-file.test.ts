import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AmoskysError } from "../../src/core/errors.ts";
import { readPrivateFile } from "../../src/identity/private-file.ts";

const isRoot = process.geteuid?.() === 0;
let root: string;
let folder: string;
let key: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "amoskys-private-"));
  folder = join(root, "certs");
  mkdirSync(folder, { mode: 0o700 });
  key = join(folder, "agent.key");
  writeFileSync(key, "secret", { mode: 0o600 });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (path = key, allowGroupRead = false) =>
  Buffer.from(readPrivateFile(path, { bytesMax: 64, allowGroupRead })).toString();

function refusal(path = key, allowGroupRead = false): AmoskysError {
  try {
    read(path, allowGroupRead);
  } catch (caught) {
    expect(caught).toBeInstanceOf(AmoskysError);
    expect((caught as AmoskysError).code).toBe("identity_invalid");
    return caught as AmoskysError;
  }
  throw new Error("it was read");
}

describe("readPrivateFile", () => {
  test("reads a file that only we may use, of any of the right modes", () => {
    for (const mode of [0o600, 0o400]) {
      chmodSync(key, mode);
      expect(read()).toBe("secret");
    }
  });

  test.each([0o644, 0o640, 0o660, 0o604, 0o602, 0o601, 0o610, 0o620])(
    "refuses mode %o and says what mends it",
    (mode) => {
      chmodSync(key, mode);
      const { message, hint } = refusal();
      expect(message).toContain(`can be used by others (mode 0${mode.toString(8)})`);
      expect(hint).toBe(`chmod 600 ${key}`);
    },
  );

  test("group reading is a setting, group writing is none", () => {
    chmodSync(key, 0o440);
    expect(read(key, true)).toBe("secret");
    chmodSync(key, 0o460);
    expect(refusal(key, true).message).toContain("can be used by others");
    chmodSync(key, 0o444);
    expect(refusal(key, true).message).toContain("can be used by others");
  });

  test.skipIf(!isRoot)("refuses a file and a folder of another user", () => {
    chownSync(key, 65_534, 0);
    expect(refusal().message).toContain("belongs to another user (65534)");
    chownSync(key, 0, 0);
    chownSync(folder, 65_534, 0);
    expect(refusal().message).toContain(`${folder} belongs to another user (65534)`);
  });

  test("refuses a folder that others can write, but one with the sticky bit", () => {
    for (const mode of [0o777, 0o772, 0o720]) {
      chmodSync(folder, mode);
      expect(refusal().message).toContain("can be written by others");
    }
    expect(refusal().hint).toBe(`chmod go-w ${folder}`);
    chmodSync(folder, 0o1777);
    expect(read()).toBe("secret");
    chmodSync(folder, 0o770);
    expect(read(key, true)).toBe("secret");
  });

  test("follows links inside the folder, as those of a Kubernetes secret", () => {
    mkdirSync(join(folder, "..2026_01"), { mode: 0o755 });
    writeFileSync(join(folder, "..2026_01", "web.key"), "mounted", { mode: 0o400 });
    symlinkSync("..2026_01", join(folder, "..data"));
    symlinkSync("..data/web.key", join(folder, "web.key"));
    expect(read(join(folder, "web.key"))).toBe("mounted");
  });

  test("follows a link to the folder itself", () => {
    symlinkSync(folder, join(root, "link"));
    expect(read(join(root, "link", "agent.key"))).toBe("secret");
  });

  test("refuses links that lead out of the folder", () => {
    writeFileSync(join(root, "outside"), "other", { mode: 0o600 });
    unlinkSync(key);
    symlinkSync("../outside", key);
    expect(refusal().message).toContain("is a link that leads out of its folder");
    unlinkSync(key);
    mkdirSync(join(root, "certs-too"), { mode: 0o700 });
    writeFileSync(join(root, "certs-too", "k"), "other", { mode: 0o600 });
    symlinkSync("../certs-too/k", key);
    expect(refusal().message).toContain("is a link that leads out of its folder");
  });

  test("refuses hard links, folders, FIFOs and devices without waiting for them", () => {
    linkSync(key, join(root, "again"));
    expect(refusal().message).toContain("has 2 names");
    unlinkSync(key);
    expect(spawnSync("mkfifo", ["-m", "600", key]).status).toBe(0);
    expect(refusal().message).toContain("is no regular file");
    unlinkSync(key);
    mkdirSync(key, { mode: 0o700 });
    expect(refusal().message).toContain("is no regular file");
    expect(() => readPrivateFile("/dev/null", { bytesMax: 64 })).toThrow("is no regular file");
  });

  test("refuses what is larger than it may be, and what is not there", () => {
    writeFileSync(key, "x".repeat(64));
    expect(read()).toHaveLength(64);
    writeFileSync(key, "x".repeat(65));
    expect(refusal().message).toContain("is 65 bytes, more than 64");
    expect(refusal(join(folder, "none")).message).toContain("does not exist");
    expect(refusal(join(root, "none", "none")).message).toContain("does not exist");
    unlinkSync(key);
    symlinkSync("agent.key", key);
    expect(refusal().message).toContain("cannot be read: ELOOP");
  });

  // the swapper is another process, as an attacker is: what was found inside is a link to the outside a moment later
  test("never reads a file outside, however links are swapped meanwhile", async () => {
    const [outside, inside] = [join(root, "outside"), join(folder, "data")];
    for (const each of [outside, inside]) mkdirSync(each, { mode: 0o700 });
    writeFileSync(join(outside, "agent.key"), "stolen", { mode: 0o600 });
    writeFileSync(join(inside, "agent.key"), "secret", { mode: 0o600 });
    unlinkSync(key);
    symlinkSync("data/agent.key", key);
    const swap = `
      const { renameSync, symlinkSync } = require("node:fs");
      const [inside, outside, aside] = process.argv.slice(1);
      symlinkSync(outside, aside + ".link");
      process.stdout.write("ready");
      for (;;) {
        renameSync(inside, aside);
        renameSync(aside + ".link", inside);
        renameSync(inside, aside + ".link");
        renameSync(aside, inside);
      }`;
    const child = Bun.spawn([process.execPath, "-e", swap, inside, outside, join(root, "aside")], { stdout: "pipe" });
    await child.stdout.getReader().read();
    const seen = { secret: 0, stolen: 0, refused: 0 };
    try {
      for (let tries = 0; tries < 5000; tries += 1) {
        try {
          seen[read() as "secret" | "stolen"] += 1;
        } catch (caught) {
          expect((caught as AmoskysError).code).toBe("identity_invalid");
          seen.refused += 1;
        }
      }
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(seen.stolen).toBe(0);
    expect(seen.secret).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });
});
