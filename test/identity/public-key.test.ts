import { describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { AmoskysError } from "../../src/core/errors.ts";
import {
  assertStrongKey,
  formatPublicKey,
  keyFingerprint,
  parsePublicKey,
  publicKeyDer,
} from "../../src/identity/public-key.ts";
import { createSigner } from "../../src/identity/signer.ts";

const { publicKey } = createSigner("a", new Uint8Array(32).fill(3));
const pem = formatPublicKey(publicKey);
const lowOrder = new Uint8Array(32);

function messageOf(text: string): string {
  try {
    parsePublicKey(text, "x.pub");
  } catch (caught) {
    expect(caught).toBeInstanceOf(AmoskysError);
    expect((caught as AmoskysError).code).toBe("identity_invalid");
    return (caught as AmoskysError).message;
  }
  throw new Error("it was taken");
}

describe("parsePublicKey", () => {
  test("reads what formatPublicKey writes, and so does node:crypto", () => {
    expect(parsePublicKey(pem, "x")).toEqual(publicKey);
    const spki: Buffer = createPublicKey(pem).export({ format: "der", type: "spki" });
    expect(spki.toString("hex")).toBe(publicKeyDer(publicKey).toString("hex"));
  });

  test("takes other line ends and lengths", () => {
    expect(parsePublicKey(`\n${pem.replaceAll("\n", "\r\n")}\n`, "x")).toEqual(publicKey);
    const base64 = publicKeyDer(publicKey).toString("base64").replace(/.{10}/g, "$&\n");
    expect(parsePublicKey(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`, "x")).toEqual(publicKey);
  });

  test("refuses every other text and says why", () => {
    expect(messageOf("")).toBe("x.pub is no PEM public key");
    expect(messageOf(pem + pem)).toContain("x.pub is");
    expect(messageOf(pem.slice(0, 60))).toBe("x.pub is no PEM public key");
    expect(messageOf(pem.replaceAll("PUBLIC", "PRIVATE"))).toBe("x.pub holds a private key, not a public one");
    expect(messageOf(pem.replace("MCow", "MC*w"))).toBe("x.pub is damaged: no base64");
    expect(messageOf(pem.replace("MCow", "MCox"))).toBe("x.pub is no Ed25519 public key");
    const rsa = `-----BEGIN PUBLIC KEY-----\n${Buffer.alloc(300, 48).toString("base64")}\n-----END PUBLIC KEY-----\n`;
    expect(messageOf(rsa)).toBe("x.pub is no Ed25519 public key");
  });

  test("refuses a weak key, again and again", () => {
    for (let tries = 0; tries < 2; tries += 1) {
      expect(messageOf(formatPublicKey(lowOrder))).toContain("low order");
    }
  });

  test("takes bounded time on long nonsense", () => {
    const start = performance.now();
    messageOf(`-----BEGIN PUBLIC KEY-----${" \n".repeat(100_000)}`);
    messageOf(`-----BEGIN PUBLIC KEY-----${" \n".repeat(100_000)}-----END PUBLIC KEY-----`);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

test("assertStrongKey names what it refuses", () => {
  expect(() => assertStrongKey(new Uint8Array(31), "The key of web-1")).toThrow(
    "The key of web-1 is not 32 bytes long",
  );
  expect(() => assertStrongKey(publicKey, "x")).not.toThrow();
});

test("keyFingerprint is the SHA-256 of the raw key", () => {
  const expected = new Bun.CryptoHasher("sha256").update(publicKey).digest("hex");
  expect(keyFingerprint(publicKey)).toBe(expected);
});
