import { describe, expect, test } from "bun:test";
import { parseLinks } from "../../src/native/netlink-links.ts";

/** An attribute (struct rtattr) with its padding. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** A message (struct nlmsghdr) with its padding. */
function message(type: number, flags: number, body: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.concat([new Uint8Array(16), ...body]);
  whole.writeUInt32LE(whole.length, 0);
  whole.writeUInt16LE(type, 4);
  whole.writeUInt16LE(flags, 6);
  return new Uint8Array(Buffer.concat([whole, new Uint8Array((4 - (whole.length % 4)) % 4)]));
}

/** struct ifinfomsg */
function link(index: number, type: number, flags: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(type, 2);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  return bytes;
}

const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
const counters = () => new Uint8Array(BigUint64Array.from({ length: 24 }, (_, i) => BigInt(i + 1)).buffer);
const name = (text: string) => new TextEncoder().encode(`${text}\0`);
const newLink = 16;
const done = message(3, 0, [words(0)]);
const eth0 = message(newLink, 2, [
  link(7, 1, 0x1043),
  attribute(3, name("eth0")),
  attribute(4, words(1500)),
  attribute(23, counters()),
]);

describe("netlink links", () => {
  test("reads name, index, type, flags, mtu and counters", () => {
    expect(parseLinks(Buffer.concat([eth0, done]))).toEqual({
      links: [
        {
          name: "eth0",
          index: 7,
          flags: 0x1043,
          hardwareType: 1,
          mtu: 1500,
          counters: { rxPackets: 1n, txPackets: 2n, rxBytes: 3n, txBytes: 4n, rxDropped: 7n, txDropped: 8n },
        },
      ],
      done: true,
      interrupted: false,
    });
  });

  test("a dump goes on without its end, and says when it is inconsistent", () => {
    expect(parseLinks(eth0)).toMatchObject({ done: false, interrupted: false });
    const torn = message(newLink, 0x10, [link(1, 772, 9), attribute(3, name("lo"))]);
    expect(parseLinks(torn)).toMatchObject({ links: [{ name: "lo", mtu: 0 }], interrupted: true });
  });

  test("an error message is an error", () => {
    const refused = message(2, 0, [words(2 ** 32 - 1), new Uint8Array(16)]);
    expect(() => parseLinks(refused)).toThrow(expect.objectContaining({ code: "privilege_missing" }));
  });

  test("a link without a name and other messages are passed over", () => {
    expect(
      parseLinks(Buffer.concat([message(newLink, 0, [link(1, 1, 0)]), message(20, 0, [words(1, 2)])])).links,
    ).toEqual([]);
  });

  test("cut at every byte, it reads no further than what is there", () => {
    const whole = Buffer.concat([eth0, done]);
    for (let length = 0; length < whole.length; length += 1) {
      const { links, done: ended } = parseLinks(whole.subarray(0, length));
      expect(links.length).toBe(length >= eth0.length ? 1 : 0);
      expect(ended).toBe(false);
    }
  });

  test("lengths that lie end the reading", () => {
    for (const lie of [0, 3, 15, 17, 2 ** 31, 2 ** 32 - 1]) {
      const bytes = Buffer.from(eth0);
      bytes.writeUInt32LE(lie, 0);
      expect(parseLinks(bytes).links.length).toBeLessThanOrEqual(1);
    }
    for (const lie of [0, 3, 0xffff]) {
      const bytes = Buffer.from(eth0);
      bytes.writeUInt16LE(lie, 32);
      expect(parseLinks(bytes)).toMatchObject({ links: [], done: false });
    }
  });
});
