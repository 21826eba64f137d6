import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IdentityPaths, identityPaths } from "../../src/identity/identity-home.ts";
import { formatPublicKey } from "../../src/identity/public-key.ts";
import { keepPublicKey, loadPublicKey } from "../../src/identity/public-key-file.ts";
import { createSigner } from "../../src/identity/signer.ts";

const keyOf = (number: number) => createSigner("a", new Uint8Array(32).fill(number)).publicKey;
let root: string;
let paths: IdentityPaths;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "amoskys-keys-"));
  paths = identityPaths(join(root, "home"));
  mkdirSync(paths.home);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("keepPublicKey", () => {
  test("copies a key from elsewhere once, and never over another", () => {
    const outside = join(root, "web.pub");
    writeFileSync(outside, formatPublicKey(keyOf(1)));
    expect(keepPublicKey(paths, "web", keyOf(1), outside)).toBe("certs/web.ed25519.pub");
    expect(keepPublicKey(paths, "web", keyOf(1), undefined)).toBe("certs/web.ed25519.pub");
    expect(keepPublicKey(paths, "web", keyOf(2), undefined)).toBe("certs/web.2.ed25519.pub");
    expect(loadPublicKey(join(paths.home, "certs/web.ed25519.pub"))).toEqual(keyOf(1));
    expect(loadPublicKey(join(paths.home, "certs/web.2.ed25519.pub"))).toEqual(keyOf(2));
    expect(readdirSync(paths.certs).sort()).toEqual(["web.2.ed25519.pub", "web.ed25519.pub"]);
  });

  test("names a key that lies in the home where it lies, but no link out of it", () => {
    mkdirSync(join(paths.home, "keys"));
    writeFileSync(join(paths.home, "keys", "w.pub"), formatPublicKey(keyOf(1)));
    expect(keepPublicKey(paths, "web", keyOf(1), join(paths.home, "keys", "w.pub"))).toBe("keys/w.pub");
    writeFileSync(join(root, "out.pub"), formatPublicKey(keyOf(2)));
    symlinkSync("../../out.pub", join(paths.home, "keys", "link.pub"));
    expect(keepPublicKey(paths, "web", keyOf(2), join(paths.home, "keys", "link.pub"))).toBe("certs/web.ed25519.pub");
  });
});
