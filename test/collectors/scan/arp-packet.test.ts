import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { arpRequest, parseArpReply } from "../../../src/collectors/scan/arp-packet.ts";

const own = "02:00:5e:10:00:ff";
/** Fields in the order of RFC 826: ar$hrd, ar$pro, ar$hln, ar$pln, ar$op, ar$sha, ar$spa, ar$tha, ar$tpa. */
const question = [
  "ffffffffffff 02005e1000ff 0806",
  "0001 0800 06 04 0001 02005e1000ff 0a620001 000000000000 0a620007",
  "00".repeat(18),
];
const answer = [
  "02005e1000ff b827eb000007 0806",
  "0001 0800 06 04 0002 b827eb000007 0a620007 02005e1000ff 0a620001",
  "00".repeat(18),
];
const bytesOf = (parts: readonly string[]) => Uint8Array.from(Buffer.from(parts.join("").replaceAll(" ", ""), "hex"));
function changed(at: number, ...bytes: number[]): Uint8Array {
  const frame = bytesOf(answer);
  frame.set(bytes, at);
  return frame;
}

test("a question, byte for byte, as long as the shortest frame", () => {
  const frame = arpRequest(own, 0x0a620001, 0x0a620007);
  expect(Buffer.from(frame).toString("hex")).toBe(Buffer.from(bytesOf(question)).toString("hex"));
  expect(frame).toHaveLength(60);
});

describe("parseArpReply", () => {
  test("an answer, padded or not, and inside a larger buffer", () => {
    const expected = { address: 0x0a620007, hardwareAddress: "b8:27:eb:00:00:07" };
    expect(parseArpReply(bytesOf(answer), own)).toEqual(expected);
    expect(parseArpReply(bytesOf(answer).subarray(0, 42), "02:00:5E:10:00:FF")).toEqual(expected);
    const larger = Uint8Array.from([...new Uint8Array(7), ...bytesOf(answer)]);
    expect(parseArpReply(larger.subarray(7), own)).toEqual(expected);
  });

  test.each([
    ["a question", bytesOf(question)],
    ["cut short", bytesOf(answer).subarray(0, 41)],
    ["nothing", new Uint8Array()],
    ["another EtherType", changed(12, 0x08, 0x00)],
    ["no Ethernet", changed(14, 0, 6)],
    ["no IPv4", changed(16, 0x86, 0xdd)],
    ["another length of hardware addresses", changed(18, 8)],
    ["another length of addresses", changed(19, 16)],
    ["reverse ARP", changed(20, 0, 4)],
    ["for somebody else", changed(32, 2, 0, 0, 0, 0, 1)],
    ["from a group", changed(22, 0x01, 0x00, 0x5e, 0, 0, 1)],
    ["from everybody", changed(22, 255, 255, 255, 255, 255, 255)],
    ["from nobody", changed(22, 0, 0, 0, 0, 0, 0)],
  ])("%s is none", (_what, frame) => {
    expect(parseArpReply(frame, own)).toBeUndefined();
  });

  test("takes any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (frame) => {
        expect(parseArpReply(frame, own)).toBeUndefined();
      }),
    );
  });
});
