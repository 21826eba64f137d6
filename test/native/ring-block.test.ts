import { describe, expect, test } from "bun:test";
import {
  blockReady,
  type FrameSink,
  type RingMemory,
  releaseBlock,
  type WalkTally,
  walkBlock,
} from "../../src/native/ring-block.ts";

interface MadeFrame {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly sec: number;
  readonly nsec: number;
  readonly status?: number;
  readonly vlanTag?: number;
  readonly packetType?: number;
}

const headerBytes = 48 + 20 + 12;

/** Lays frames out as the kernel does: struct tpacket_block_desc, then struct tpacket3_hdr and sockaddr_ll of each. */
function createMemory(block: number, frames: readonly MadeFrame[], skipOutgoing: boolean): RingMemory {
  const buffer = new ArrayBuffer(64 * 1024);
  const view = new DataView(buffer);
  view.setUint32(block + 8, 1, true);
  view.setUint32(block + 12, frames.length, true);
  view.setUint32(block + 16, 48, true);
  let at = block + 48;
  for (const frame of frames) {
    const length = (headerBytes + frame.bytes.length + 15) & ~15;
    view.setUint32(at, length, true);
    view.setUint32(at + 4, frame.sec, true);
    view.setUint32(at + 8, frame.nsec, true);
    view.setUint32(at + 12, frame.bytes.length, true);
    view.setUint32(at + 16, frame.wireLength, true);
    view.setUint32(at + 20, frame.status ?? 1, true);
    view.setUint16(at + 24, headerBytes, true);
    view.setUint32(at + 32, frame.vlanTag ?? 0, true);
    view.setUint8(at + 48 + 10, frame.packetType ?? 0);
    new Uint8Array(buffer).set(frame.bytes, at + headerBytes);
    at += length;
  }
  return {
    view,
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer),
    linkType: 1,
    interfaceIndex: 7,
    skipOutgoing,
  };
}

function walk(memory: RingMemory, block: number): { frames: unknown[][]; tally: WalkTally } {
  const frames: unknown[][] = [];
  const sink: FrameSink = {
    frame(_view, bytes, offset, captured, ...rest) {
      frames.push([[...bytes.subarray(offset, offset + captured)], ...rest]);
    },
  };
  const tally = { frames: 0, skipped: 0 };
  walkBlock(memory, block, sink, tally);
  return { frames, tally };
}

const frame = (first: number, more: Partial<MadeFrame> = {}): MadeFrame => ({
  bytes: Uint8Array.of(first, 2, 3),
  wireLength: 60,
  sec: 1_700_000_000,
  nsec: 999_999_999,
  ...more,
});

describe("ring block", () => {
  test("hands over every frame with its bytes, length, time and interface", () => {
    const memory = createMemory(0, [frame(1), frame(9, { sec: 2 ** 31 + 5, nsec: 0, wireLength: 65_549 })], false);
    const { frames, tally } = walk(memory, 0);
    expect(frames).toEqual([
      [[1, 2, 3], 60, 1_700_000_000, 999_999_999, 1, 7, 0],
      [[9, 2, 3], 65_549, 2 ** 31 + 5, 0, 1, 7, 0],
    ]);
    expect(tally).toEqual({ frames: 2, skipped: 0 });
  });

  test("a tag the kernel took out is told, with its bytes; without the flag, its field means nothing", () => {
    const valid = 1 | (1 << 4);
    const memory = createMemory(
      0,
      [frame(1, { status: valid, vlanTag: 0xe064 }), frame(2, { vlanTag: 0xe064 })],
      false,
    );
    expect(walk(memory, 0).frames.map((f) => [f[1], f[6]])).toEqual([
      [64, 100],
      [60, 0],
    ]);
  });

  test("what is sent is left out only where it comes again", () => {
    const both = [frame(1, { packetType: 4 }), frame(2, { packetType: 0 })];
    expect(walk(createMemory(0, both, true), 0)).toMatchObject({ tally: { frames: 2, skipped: 1 } });
    expect(walk(createMemory(0, both, true), 0).frames.length).toBe(1);
    expect(walk(createMemory(0, both, false), 0)).toMatchObject({ tally: { frames: 2, skipped: 0 } });
  });

  test("a block is ours from the kernel's mark until it is released, and no other is touched", () => {
    const memory = createMemory(8192, [frame(1)], false);
    expect(blockReady(memory, 8192)).toBe(true);
    expect(blockReady(memory, 0)).toBe(false);
    releaseBlock(memory, 8192);
    expect(blockReady(memory, 8192)).toBe(false);
  });

  test("an empty block has no frames", () => {
    expect(walk(createMemory(0, [], false), 0)).toEqual({ frames: [], tally: { frames: 0, skipped: 0 } });
  });
});
