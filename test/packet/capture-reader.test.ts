import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { AmoskysError } from "../../src/core/errors.ts";
import { type BuiltFrame, pcapFile } from "./build-capture.ts";
import { bytes, ethernet } from "./build-frame.ts";
import { readCapture } from "./read-capture.ts";

const frames: readonly BuiltFrame[] = [
  { frame: ethernet(0x0800, bytes(1, 2, 3)), sec: 1_700_000_000, nsec: 123_456_000, wireLength: 1500 },
  { frame: bytes(), sec: 1_700_000_001, nsec: 999_999_000 },
  { frame: ethernet(0x0806, new Uint8Array(46)), sec: 0xffff_fffe, nsec: 0 },
];

function plain(list: readonly BuiltFrame[]): unknown[] {
  return list.map(({ frame, sec, nsec, wireLength = frame.length }) => ({ frame, sec, nsec, wireLength }));
}

function codeOf(error: unknown): string | undefined {
  return error instanceof AmoskysError ? error.code : undefined;
}

describe("CaptureReader on pcap", () => {
  test.each([
    [true, false],
    [true, true],
    [false, false],
    [false, true],
  ])("reads every frame, little endian: %p, nanoseconds: %p", (little, nanoseconds) => {
    const list = frames.map((f) => ({ ...f, nsec: (f.nsec ?? 0) + (nanoseconds ? 7 : 0) }));
    const result = readCapture(pcapFile(list, { little, nanoseconds }));
    expect(result.error).toBeUndefined();
    expect(result.frames).toMatchObject(plain(list) as object[]);
  });

  test("gives the same frames whatever the pieces it is fed", () => {
    const file = pcapFile(frames);
    const whole = readCapture(file).frames;
    for (const pieceBytes of [1, 2, 3, 7, 16, 25, 64]) expect(readCapture(file, pieceBytes).frames).toEqual(whole);
  });

  test("reads records longer than what one chunk leaves room for", () => {
    const list = Array.from({ length: 12 }, (_, i) => ({ frame: new Uint8Array(262_144).fill(i), sec: i, nsec: 0 }));
    const result = readCapture(pcapFile(list), 100_000);
    expect(result.error).toBeUndefined();
    expect(result.frames.map(({ frame }) => [frame.length, frame[0], frame[262_143]])).toEqual(
      list.map((_, i) => [262_144, i, i]),
    );
  });

  test("reads the records of a patched libpcap", () => {
    const file = pcapFile([{ frame: bytes(9, 9), sec: 5 }], { magic: 0xa1b2cd34 });
    const patched = bytes(file.subarray(0, 40), new Uint8Array(8), file.subarray(40));
    expect(readCapture(patched).frames).toMatchObject([{ frame: bytes(9, 9), sec: 5 }]);
  });

  test("reads files of before version 2.3, with the lengths the other way round", () => {
    const file = pcapFile([{ frame: bytes(1, 2), wireLength: 60 }], { minorVersion: 2 });
    const view = new DataView(file.buffer);
    view.setUint32(32, 60, true);
    view.setUint32(36, 2, true);
    expect(readCapture(file).frames).toMatchObject([{ frame: bytes(1, 2), wireLength: 60 }]);
  });

  test("keeps to the snap length of the file", () => {
    const [frame] = readCapture(pcapFile([{ frame: new Uint8Array(80), wireLength: 90 }], { snapLength: 64 })).frames;
    expect([frame?.frame.length, frame?.wireLength]).toEqual([64, 90]);
  });

  test("leaves the frame check sequence out where the file says there is one", () => {
    const linkType = (1 | 0x0400_0000 | (2 << 28)) >>> 0;
    const [frame] = readCapture(pcapFile([{ frame: new Uint8Array(64), wireLength: 64 }], { linkType })).frames;
    expect([frame?.wireLength, frame?.linkType]).toEqual([60, 1]);
  });

  test("carries fractions of a second and more into the seconds", () => {
    const file = pcapFile([{ frame: bytes(), sec: 10, nsec: 3_500_000_000 }]);
    expect(readCapture(file).frames).toMatchObject([{ sec: 13, nsec: 500_000_000 }]);
  });

  test("yields what was readable of a file that is cut off, and names the place", () => {
    const file = pcapFile(frames);
    const starts = [24, 24 + 16 + 17, 24 + 16 + 17 + 16, file.length];
    for (let length = 0; length < file.length; length += 1) {
      const { frames: found, error } = readCapture(file.subarray(0, length));
      const complete = starts.filter((start) => start > 24 && start <= length).length;
      expect(found.length).toBe(complete);
      const atRecord = starts.includes(length);
      expect(codeOf(error)).toBe(atRecord ? undefined : "capture_truncated");
      if (!atRecord && length >= 24) {
        expect((error as AmoskysError).details.offset).toBe(Math.max(...starts.filter((s) => s <= length)));
        expect((error as AmoskysError).message).toContain(`byte ${(error as AmoskysError).details.offset}`);
      }
    }
  });

  test("refuses a packet that claims more than a frame can have", () => {
    const file = pcapFile(frames);
    new DataView(file.buffer).setUint32(24 + 16 + 17 + 8, 0x4000_0000, true);
    const { frames: found, error } = readCapture(file);
    expect(found.length).toBe(1);
    expect(codeOf(error)).toBe("capture_damaged");
    expect((error as AmoskysError).details.offset).toBe(57);
  });

  const unreadable: readonly [string, Uint8Array, RegExp, RegExp | undefined][] = [
    ["gzip", bytes(0x1f, 0x8b, 8, 0, 0), /compressed with gzip/, /gunzip -c FILE \| amoskys agent flow --read -/],
    ["zstd", bytes(0x28, 0xb5, 0x2f, 0xfd), /compressed with zstd/, /zstd -dc/],
    ["text", new TextEncoder().encode("hello"), /neither a pcap nor a pcapng/, undefined],
    ["another version", pcapFile([], { version: 3 }), /version 3/, undefined],
    ["an unknown link type", pcapFile(frames, { linkType: 147 }), /link type 147/, undefined],
  ];
  test.each(unreadable)("says what is wrong with %s", (_name, file, message, hint) => {
    const { error } = readCapture(file);
    expect(codeOf(error)).toBe("capture_unreadable");
    expect((error as AmoskysError).message).toMatch(message);
    if (hint) expect((error as AmoskysError).hint).toMatch(hint);
  });

  test("survives any bytes", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(40), (tail, cut) => {
      const file = bytes(pcapFile(frames).subarray(0, 24 + cut), tail);
      const { error } = readCapture(file, 50);
      if (error !== undefined) expect(codeOf(error)).toMatch(/^capture_/);
    });
    fc.assert(property, { numRuns: 200 });
  });
});

const corpora = process.env.AMOSKYS_CORPORA;
if (corpora === undefined) process.stderr.write("AMOSKYS_CORPORA is not set: pcapng files of tshark are left out\n");

describe.skipIf(corpora === undefined)("CaptureReader on the pcapng corpus", () => {
  const root = join(corpora ?? "", "pcapng");
  const expected = corpora === undefined ? [] : readdirSync(join(root, "expected-tshark"));

  interface TsharkFrame {
    readonly time: string;
    readonly captured: number;
    readonly wire: number;
  }

  function tsharkFrames(name: string): { rows: TsharkFrame[]; damaged: boolean } {
    const lines = readFileSync(join(root, "expected-tshark", name), "utf8")
      .trimEnd()
      .split("\n")
      .slice(1);
    // tshark numbers blocks of other kinds too, without an interface
    const rows = lines.map((line) => line.split("\t")).filter((cells) => (cells[4] ?? "") !== "");
    return {
      rows: rows.map(([, time = "", captured, wire]) => ({ time, captured: Number(captured), wire: Number(wire) })),
      damaged: lines.some((line) => line.startsWith("# tshark rc")),
    };
  }

  function file(name: string): Uint8Array {
    return readFileSync(join(root, "pcapgo/tests/le", name.replace(".tsv", ".pcapng")));
  }

  test.each(expected)("%s: the frames that tshark sees", (name) => {
    const { rows, damaged } = tsharkFrames(name);
    const { frames: found, error } = readCapture(file(name));
    if (damaged) expect(codeOf(error)).toMatch(/^capture_/);
    else expect(error).toBeUndefined();
    const seen = found.map((f, i) => ({
      // a simple packet block has no time: here it gets that of the frame before
      time: rows[i]?.time === "" ? "" : `${f.sec}.${String(f.nsec).padStart(9, "0")}`,
      captured: f.frame.length,
      wire: f.wireLength,
    }));
    expect(seen).toEqual(rows);
  });
});
