import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { auditPath, CompactRange, leafHash, rootFromPath, treeRoot } from "../../src/core/merkle.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
// RFC 6962 reference values, as used by Certificate Transparency implementations
const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map(
  (text) => leafHash(Buffer.from(text, "hex")),
);
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

describe("treeRoot", () => {
  test("is the published root for one to eight leaves, and of none the hash of nothing", () => {
    expect(hex(treeRoot([]))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    roots.forEach((root, index) => {
      expect(hex(treeRoot(leaves.slice(0, index + 1)))).toBe(root);
    });
  });
});

describe("auditPath", () => {
  test("leads every leaf of every size to the root, and no other leaf, place or size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (size, at) => {
        const hashes = Array.from({ length: size }, (_, i) => leafHash(Uint8Array.of(i)));
        const index = at % size;
        const path = auditPath(hashes, index);
        const root = hex(treeRoot(hashes));
        const hash = hashes[index] as Uint8Array;
        expect(hex(rootFromPath(hash, index, size, path) as Uint8Array)).toBe(root);
        const elsewhere = rootFromPath(hash, (index + 1) % size, size, path);
        if (size > 1) expect(elsewhere && hex(elsewhere)).not.toBe(root);
        const other = rootFromPath(leafHash(Uint8Array.of(200)), index, size, path);
        expect(other && hex(other)).not.toBe(root);
        expect(rootFromPath(hash, size, size, path)).toBeUndefined();
        expect(rootFromPath(hash, index, size, [...path, hash])).toBeUndefined();
        expect(rootFromPath(hash, index, size, path.slice(1)) ?? new Uint8Array()).not.toEqual(
          size > 1 ? (treeRoot(hashes) as Uint8Array) : Uint8Array.of(1),
        );
      }),
      { seed: 6962 },
    );
  });
});

describe("CompactRange", () => {
  test("survives being stored at any size", () => {
    let range = new CompactRange();
    leaves.forEach((leaf, index) => {
      range.append(leaf);
      range = new CompactRange(range.size, range.peaks());
      expect(range.size).toBe(index + 1);
      expect(hex(range.root())).toBe(roots[index] as string);
    });
  });
});
