import { describe, expect, test } from "bun:test";
import { addPoints, decodePoint, encodePoint, multiplyPoint, type Point, weakKey } from "../../src/identity/edwards.ts";
import { createSigner } from "../../src/identity/signer.ts";

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");

function pointOf(encoded: string): Point {
  const point = decodePoint(bytes(encoded));
  if (typeof point === "string") throw new Error(point);
  return point;
}

/** The base point (RFC 8032, section 5.1). */
const base = "5866666666666666666666666666666666666666666666666666666666666666";

/** A point of order 8; its multiples are all points of low order. */
const orderEight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";

describe("edwards25519", () => {
  test("the public key of RFC 8032's first vector is its scalar times the base point", () => {
    // SHA-512 of the seed 9d61b19d..., its first half clamped (RFC 8032, sections 5.1.5 and 7.1)
    const seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const scalar = new Bun.CryptoHasher("sha512").update(seed).digest().subarray(0, 32);
    scalar[0] = (scalar[0] as number) & 0xf8;
    scalar[31] = ((scalar[31] as number) & 0x7f) | 0x40;
    const key = encodePoint(multiplyPoint(BigInt(`0x${scalar.reverse().toString("hex")}`), pointOf(base)));
    expect(hex(key)).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  });

  test("every good key decodes and encodes to itself", () => {
    for (let index = 0; index < 20; index += 1) {
      const { publicKey } = createSigner("a", crypto.getRandomValues(new Uint8Array(32)));
      expect(weakKey(publicKey)).toBeUndefined();
      expect(hex(encodePoint(pointOf(hex(publicKey))))).toBe(hex(publicKey));
    }
  });
});

describe("weakKey", () => {
  test("the eight points of low order", () => {
    const generator = pointOf(orderEight);
    const found = new Set<string>();
    for (let factor = 1n; factor <= 8n; factor += 1n) found.add(hex(encodePoint(multiplyPoint(factor, generator))));
    expect(found.size).toBe(8);
    expect(found).toContain("0100000000000000000000000000000000000000000000000000000000000000");
    expect(found).toContain("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    expect([...found].map((each) => weakKey(bytes(each)))).toEqual(Array(8).fill("low_order"));
  });

  test("a good key plus any point of low order is of mixed order", () => {
    const good = pointOf(hex(createSigner("a", new Uint8Array(32).fill(7)).publicKey));
    for (let factor = 1n; factor < 8n; factor += 1n) {
      const mixed = encodePoint(addPoints(good, multiplyPoint(factor, pointOf(orderEight))));
      expect(weakKey(mixed)).toBe("mixed_order");
    }
  });

  // public keys of the cases of "Taming the many EdDSAs" (ed25519-speccheck)
  test.each([
    ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "low_order"],
    ["f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43", "mixed_order"],
    ["cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d", "mixed_order"],
    ["442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623", undefined],
    ["ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "non_canonical"],
  ] as const)("%s is %p", (key, expected) => {
    expect(weakKey(bytes(key))).toBe(expected as ReturnType<typeof weakKey>);
  });

  test("y from p upwards is not canonical, with either sign", () => {
    for (let low = 0xed; low <= 0xff; low += 1) {
      for (const high of ["7f", "ff"]) {
        expect(weakKey(bytes(`${low.toString(16)}${"ff".repeat(30)}${high}`))).toBe("non_canonical");
      }
    }
  });

  test("x of zero with a sign is not canonical", () => {
    expect(weakKey(bytes(`01${"00".repeat(30)}80`))).toBe("non_canonical");
    expect(weakKey(bytes(`ec${"ff".repeat(31)}`))).toBe("non_canonical");
  });

  test("what is no point, and other lengths", () => {
    expect(weakKey(bytes(`02${"00".repeat(31)}`))).toBe("not_on_curve");
    for (const length of [0, 31, 33, 64]) expect(weakKey(new Uint8Array(length).fill(1))).toBe("wrong_length");
  });
});
