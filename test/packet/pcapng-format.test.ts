import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AmoskysError } from "../../src/core/errors.ts";
import { block, enhancedPacket, interfaceBlock, obsoletePacket, section, simplePacket } from "./build-capture.ts";
import { bytes } from "./build-frame.ts";
import { readCapture } from "./read-capture.ts";

const frame = bytes(1, 2, 3, 4, 5);

function codeOf(error: unknown): string | undefined {
  return error instanceof AmoskysError ? error.code : undefined;
}

describe("PcapngFormat", () => {
  test.each([true, false])("reads all packet blocks, little endian: %p", (little) => {
    const file = bytes(
      section(little),
      interfaceBlock({ little, name: "eth0" }),
      interfaceBlock({ little, name: "wlan0", linkType: 101, resolution: 9, offsetSec: -5n }),
      enhancedPacket(1_700_000_000_000_001n, { frame, wireLength: 60 }, little),
      block(0x0bad, new Uint8Array(33), little),
      obsoletePacket(1_700_000_000_000_000_002n, { frame, interfaceId: 1 }, little),
      simplePacket({ frame, wireLength: 5 }, little),
    );
    const { frames, interfaces, error } = readCapture(file);
    expect(error).toBeUndefined();
    expect(frames).toEqual([
      { frame, sec: 1_700_000_000, nsec: 1000, wireLength: 60, linkType: 1, interfaceIndex: 0 },
      { frame, sec: 1_699_999_995, nsec: 2, wireLength: 5, linkType: 101, interfaceIndex: 1 },
      { frame, sec: 1_699_999_995, nsec: 2, wireLength: 5, linkType: 1, interfaceIndex: 0 },
    ]);
    expect([...interfaces]).toEqual([
      [0, "eth0"],
      [1, "wlan0"],
    ]);
  });

  test("takes sections of either byte order in one file, and the same name as the same interface", () => {
    const part = (little: boolean, names: string[]): Uint8Array =>
      bytes(
        section(little),
        ...names.map((name) => interfaceBlock({ little, name })),
        enhancedPacket(7_000_000n, { frame, interfaceId: names.length - 1 }, little),
      );
    const { frames, interfaces, error } = readCapture(bytes(part(true, ["a", "b"]), part(false, ["b"])));
    expect(error).toBeUndefined();
    expect(frames.map((f) => f.interfaceIndex)).toEqual([1, 1]);
    expect(interfaces.size).toBe(2);
  });

  test("gives the same frames whatever the pieces it is fed", () => {
    const file = bytes(section(), interfaceBlock(), ...[1n, 2n, 3n].map((t) => enhancedPacket(t, { frame })));
    const whole = readCapture(file).frames;
    expect(whole.length).toBe(3);
    for (const pieceBytes of [1, 2, 5, 12, 31]) expect(readCapture(file, pieceBytes).frames).toEqual(whole);
  });

  test("skips blocks that are longer than its buffers", () => {
    const file = bytes(section(), interfaceBlock());
    const huge = block(0x0bad, new Uint8Array(3 << 20));
    const whole = new Uint8Array(file.length + huge.length + 200);
    whole.set(file);
    whole.set(huge, file.length);
    const packet = enhancedPacket(9n, { frame });
    whole.set(packet, file.length + huge.length);
    const { frames, error } = readCapture(whole.subarray(0, file.length + huge.length + packet.length), 1 << 20);
    expect(error).toBeUndefined();
    expect(frames).toMatchObject([{ frame, nsec: 9000 }]);
  });

  test("limits a frame to the interface's snap length, and leaves its frame check sequence out", () => {
    const idb = interfaceBlock({ snapLength: 3, checkSequenceBytes: 4 });
    const file = bytes(section(), idb, enhancedPacket(1n, { frame, wireLength: 64 }), simplePacket({ frame }));
    expect(readCapture(file).frames).toMatchObject([
      { frame: bytes(1, 2, 3), wireLength: 60 },
      { frame: bytes(1, 2, 3), wireLength: 1 },
    ]);
  });

  test("passes over an interface of another kind among several, and refuses it alone", () => {
    const usb = interfaceBlock({ linkType: 220 });
    const packet = enhancedPacket(1n, { frame });
    const both = readCapture(bytes(section(), usb, interfaceBlock(), packet));
    expect(both.frames).toMatchObject([{ linkType: 220 }]);
    const alone = readCapture(bytes(section(), usb, packet));
    expect(codeOf(alone.error)).toBe("capture_unreadable");
    expect((alone.error as AmoskysError).message).toContain("link type 220");
  });

  const good = bytes(section(), interfaceBlock());
  const unequal = enhancedPacket(1n, { frame });
  new DataView(unequal.buffer).setUint32(unequal.length - 4, 64, true);
  const damages: readonly [string, Uint8Array, RegExp][] = [
    ["a block length of 0", block(6, new Uint8Array(24), true, 0), /claims 0 bytes/],
    ["a block length of 8", block(6, new Uint8Array(24), true, 8), /claims 8 bytes/],
    ["an odd block length", block(6, new Uint8Array(24), true, 37), /claims 37 bytes/],
    ["a huge block length", block(6, new Uint8Array(24), true, 0xfffffff0), /claims 4294967280 bytes/],
    ["lengths that differ", unequal, /begins with length 40 and ends with 64/],
    ["an interface nobody described", enhancedPacket(1n, { frame, interfaceId: 3 }), /interface 3/],
    ["a packet longer than its block", packetClaiming(6), /claims 9 bytes/],
    ["a packet block without a packet", block(6, new Uint8Array(8)), /too short/],
    ["a section of another version", sectionOfVersion(2), /version 2/],
    ["a section without a byte order", block(0x0a0d0d0a, new Uint8Array(16)), /byte order/],
  ];
  test.each(damages)("refuses %s with its offset", (_name, bad, message) => {
    const { frames, error } = readCapture(bytes(good, enhancedPacket(1n, { frame }), bad));
    expect(frames.length).toBe(1);
    expect(codeOf(error)).toBe("capture_damaged");
    expect((error as AmoskysError).message).toMatch(message);
    expect((error as AmoskysError).details.offset).toBe(good.length + enhancedPacket(1n, { frame }).length);
  });

  test("names the block that is cut off", () => {
    const file = bytes(good, enhancedPacket(1n, { frame }));
    for (let length = good.length + 1; length < file.length; length += 1) {
      const { frames, error } = readCapture(file.subarray(0, length));
      expect([frames.length, codeOf(error)]).toEqual([0, "capture_truncated"]);
      expect((error as AmoskysError).details.offset).toBe(good.length);
    }
  });

  test("survives any change to its bytes", () => {
    const file = bytes(good, enhancedPacket(1n, { frame }), simplePacket({ frame }), obsoletePacket(2n, { frame }));
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 4 }),
      (edits) => {
        const changed = file.slice();
        for (const [at, value] of edits) changed[at] = value;
        const { error } = readCapture(changed, 64);
        if (error !== undefined) expect(codeOf(error)).toMatch(/^capture_/);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});

function packetClaiming(extra: number): Uint8Array {
  const packet = enhancedPacket(1n, { frame });
  new DataView(packet.buffer).setUint32(20, 3 + extra, true);
  return packet;
}

function sectionOfVersion(version: number): Uint8Array {
  const bad = section();
  new DataView(bad.buffer).setUint16(12, version, true);
  return bad;
}
