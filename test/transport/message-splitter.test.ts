import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BrokenMessage, MessageSplitter } from "../../src/transport/message-splitter.ts";
import { framed } from "./http2-peer.ts";

describe("MessageSplitter", () => {
  test("cuts out the messages whatever pieces they come in", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 });
    fc.assert(
      fc.property(messages, fc.integer({ min: 1, max: 50 }), (sent, size) => {
        const bytes = Buffer.concat(sent.map((message) => framed(message)));
        const splitter = new MessageSplitter(100);
        const got: Uint8Array[] = [];
        for (let offset = 0; offset < bytes.length; offset += size) {
          got.push(...splitter.push(bytes.subarray(offset, offset + size)));
        }
        expect(got.map((message) => Buffer.from(message))).toEqual(sent.map((message) => Buffer.from(message)));
        expect(splitter.partial).toBe(false);
      }),
      { seed: 11 },
    );
  });

  test("knows when a message is not whole", () => {
    const splitter = new MessageSplitter(100);
    expect(splitter.push(framed(new Uint8Array(5), { length: 6 }))).toEqual([]);
    expect(splitter.partial).toBe(true);
  });

  test.each([
    ["over the limit", framed(new Uint8Array(), { length: 101 })],
    ["of 4 GiB", framed(new Uint8Array(), { length: 0xffffffff })],
    ["that is compressed", framed(new Uint8Array(1), { flag: 1 })],
  ])("refuses one %s", (_, bytes) => {
    expect(() => new MessageSplitter(100).push(bytes)).toThrow(BrokenMessage);
  });
});
