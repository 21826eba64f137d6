import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { CallRefusal } from "../../src/transport/index.ts";
import { MessageReader } from "../../src/transport/message-reader.ts";
import { Turns } from "../../src/transport/turns.ts";
import { framed } from "./http2-peer.ts";

const turns = new Turns(1);

/** Pushes the bytes in pieces of these sizes and reads the message. */
function read(bytes: Uint8Array, sizes: number[], bytesMax = 1_000): Promise<Uint8Array> {
  const reader = new MessageReader(bytesMax);
  for (let offset = 0, i = 0; offset < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] as number;
    reader.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return reader.end("gzip", turns);
}

describe("MessageReader", () => {
  test("answers the message whatever pieces it comes in", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 1_000 }), sizes, async (message, pieces) => {
        expect(Buffer.compare(await read(framed(message), pieces), message)).toBe(0);
      }),
      { seed: 3 },
    );
  });

  test("refuses or answers, and never throws anything else, whatever comes", async () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((tail) => Buffer.concat([Buffer.from([0, 0, 0, 0]), tail]));
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, fc.uint8Array({ maxLength: 40 })), async (input) => {
        const outcome = await (async () => read(input, [3]))().catch((caught: unknown) => caught);
        expect(outcome instanceof Uint8Array || outcome instanceof CallRefusal).toBe(true);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  test("says how many bytes it holds, and holds no more than came", () => {
    const reader = new MessageReader(4 * 1024 * 1024);
    expect(reader.push(framed(new Uint8Array(), { length: 4 * 1024 * 1024 }).subarray(0, 3))).toBe(0);
    expect(reader.push(framed(new Uint8Array(), { length: 4 * 1024 * 1024 }).subarray(3))).toBe(0);
    expect(reader.push(new Uint8Array(10))).toBe(10);
    expect(reader.push(new Uint8Array(20))).toBe(20);
  });

  test("refuses a declared length over the limit at once", () => {
    const reader = new MessageReader(1_000);
    expect(() => reader.push(framed(new Uint8Array(), { length: 1_001 }))).toThrow(/larger than 1000 bytes/);
    expect(() => new MessageReader(1_000).push(framed(new Uint8Array(), { length: 0xffffffff }))).toThrow();
  });

  test("measures a compressed message by what it becomes", async () => {
    const bytes = framed(gzipSync(new Uint8Array(1_000)), { flag: 1 });
    expect(await read(bytes, [7])).toHaveLength(1_000);
    const larger = framed(gzipSync(new Uint8Array(1_001)), { flag: 1 });
    await expect(read(larger, [7])).rejects.toMatchObject({ status: "RESOURCE_EXHAUSTED" });
  });
});
