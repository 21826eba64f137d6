import { describe, expect, test } from "bun:test";
import { ringGeometryOf, ringShare } from "../../../src/collectors/flow/ring-size.ts";

describe("ring size", () => {
  test.each([
    [64 << 20, { blockBytes: 1 << 20, blocks: 64 }],
    [1 << 20, { blockBytes: 1 << 18, blocks: 4 }],
    [3_000_000, { blockBytes: 1 << 19, blocks: 5 }],
    [16_384, { blockBytes: 4096, blocks: 4 }],
    [1, { blockBytes: 4096, blocks: 4 }],
  ])("%d bytes are %p", (ringBytes, geometry) => {
    expect(ringGeometryOf(ringBytes)).toEqual(geometry);
  });

  test("a ring has never more than was asked for, but the least there can be", () => {
    for (let ringBytes = 16_384; ringBytes < 2 ** 31; ringBytes = Math.ceil(ringBytes * 1.37)) {
      const { blockBytes, blocks } = ringGeometryOf(ringBytes);
      expect(blockBytes * blocks).toBeLessThanOrEqual(ringBytes);
      expect(blockBytes * blocks).toBeGreaterThan(ringBytes * 0.7);
    }
  });

  test("the first of many rings is whole, and a thousand stay bounded", () => {
    const ringBytes = 64 << 20;
    expect(ringShare(ringBytes, 0)).toBe(ringBytes);
    let taken = 0;
    for (let i = 0; i < 1000; i += 1) {
      const share = ringShare(ringBytes, taken);
      expect(share).toBeGreaterThanOrEqual(1 << 20);
      expect(share).toBeLessThanOrEqual(ringBytes);
      taken += share;
    }
    expect(taken).toBeLessThan(4 * ringBytes + 1000 * (1 << 20));
  });

  test("a small ring is not made larger by being shared", () => {
    expect(ringShare(65_536, 10 << 20)).toBe(65_536);
  });
});
