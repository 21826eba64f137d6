import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import nacl from "tweetnacl";
import { AmoskysError } from "../../src/core/errors.ts";
import { createSigner, loadSigner } from "../../src/identity/signer.ts";

const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

describe("createSigner", () => {
  // RFC 8032, section 7.1, tests 1 to 3
  test.each([
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ])("signs as RFC 8032 does: seed %s", (seed, publicKey, message, signature) => {
    const signer = createSigner("agent", bytes(seed));
    expect(hex(signer.publicKey)).toBe(publicKey);
    expect(hex(signer.sign(bytes(message)))).toBe(signature);
  });

  test("agrees with tweetnacl on any seed and message", () => {
    for (let length = 0; length < 40; length += 1) {
      const seed = crypto.getRandomValues(new Uint8Array(32));
      const message = crypto.getRandomValues(new Uint8Array(length * 7));
      const pair = nacl.sign.keyPair.fromSeed(seed);
      const signer = createSigner("agent", seed);
      expect(hex(signer.publicKey)).toBe(hex(pair.publicKey));
      expect(hex(signer.sign(message))).toBe(hex(nacl.sign.detached(message, pair.secretKey)));
    }
  });

  test("shows nothing of the seed", () => {
    const seed = new Uint8Array(32).fill(0x5a);
    const signer = createSigner("agent", seed);
    expect(Object.keys(signer).sort()).toEqual(["agent", "publicKey", "sign"]);
    expect(Bun.inspect(signer)).not.toContain("5a5a");
    expect(JSON.stringify(signer)).not.toContain("90,90");
  });

  test("refuses other lengths and what is no name", () => {
    for (const length of [0, 31, 33, 64]) {
      expect(() => createSigner("agent", new Uint8Array(length))).toThrow("a signing seed is 32 bytes");
    }
    for (const name of ["", "a b", "a/b", "..", "a\u0000", "x".repeat(65)]) {
      expect(() => createSigner(name, new Uint8Array(32))).toThrow("must match");
    }
  });
});

describe("loadSigner", () => {
  let folder: string;
  let seedPath: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "amoskys-signer-"));
    seedPath = join(folder, "agent.ed25519");
    writeFileSync(seedPath, new Uint8Array(32).fill(9), { mode: 0o600 });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const refusal = (path: string): AmoskysError => {
    try {
      loadSigner({ seedPath: path, agent: "agent" });
    } catch (caught) {
      return caught as AmoskysError;
    }
    throw new Error("it was loaded");
  };

  test("reads the raw seed", () => {
    const signer = loadSigner({ seedPath, agent: "agent" });
    expect(signer.publicKey).toEqual(createSigner("agent", new Uint8Array(32).fill(9)).publicKey);
  });

  test("refuses what is no seed, naming the file", () => {
    for (const [content, why] of [
      [new Uint8Array(31), "this one is 31"],
      [new Uint8Array(33), "is 33 bytes, more than 32"],
      [new Uint8Array(0), "this one is 0"],
      ["-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n", "more than 32"],
    ] as const) {
      const path = join(folder, "other.ed25519");
      writeFileSync(path, content, { mode: 0o600 });
      const error = refusal(path);
      expect(error).toBeInstanceOf(AmoskysError);
      expect([error.code, error.exitStatus]).toEqual(["identity_invalid", 12]);
      expect(error.message).toContain(path);
      expect(error.message).toContain(why);
    }
  });

  test("refuses a seed that others can read, unless their group may", () => {
    chmodSync(seedPath, 0o640);
    expect(refusal(seedPath).message).toContain("can be used by others");
    expect(loadSigner({ seedPath, agent: "agent", allowGroupRead: true }).agent).toBe("agent");
    chmodSync(seedPath, 0o600);
  });

  test("says what to do where there is none", () => {
    const error = refusal(join(folder, "none.ed25519"));
    expect(error.message).toContain("none.ed25519 does not exist");
    expect(error.hint).toStartWith("amoskys certs");
  });
});
