import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compareOids, hardwareAddressOf, numberOf, octetsMax, textOf } from "../../../src/collectors/snmp/values.ts";

const octets = (...bytes: number[]) => ({ type: "octets", octets: Uint8Array.from(bytes) }) as const;
const text = (value: string) => octets(...Buffer.from(value));

describe("values", () => {
  test.each([
    ["UTF-8", text("Büro"), "Büro"],
    ["Latin-1", octets(0x42, 0xfc, 0x72, 0x6f), "Büro"],
    ["padding", text("eth0 \0\0"), "eth0"],
    ["a long text", text("x".repeat(1000)), "x".repeat(256)],
    ["nothing", octets(), ""],
  ])("%s as text", (_what, value, expected) => {
    expect(textOf(value)).toBe(expected);
  });

  test("a text is well-formed wherever it was cut", () => {
    const long = Buffer.from(`x${"😀".repeat(400)}`).subarray(0, octetsMax);
    expect(textOf(octets(...long))?.isWellFormed()).toBe(true);
  });

  test("numbers, also those that are text", () => {
    expect(numberOf(text("0.31"))).toBe(0.31);
    expect(numberOf(text("-4"))).toBe(-4);
    expect(numberOf(text("4 volts"))).toBeUndefined();
    expect(numberOf({ type: "counter64", count: 2n ** 53n })).toBe(2 ** 53);
    expect(numberOf({ type: "absent" })).toBeUndefined();
  });

  test("hardware addresses have six octets", () => {
    expect(hardwareAddressOf(octets(0, 0x1b, 0xa9, 0x0b, 0xa7, 0x52))).toBe("00:1b:a9:0b:a7:52");
    expect(hardwareAddressOf(octets(1, 2, 3))).toBeUndefined();
  });

  test.each([
    ["1.3.10", "1.3.9", 1],
    ["1.3.9", "1.3.10", -1],
    ["1.3", "1.3.0", -1],
    ["1.3.0", "1.3", 1],
    ["1.3", "1.30", -1],
    ["1.30.1", "1.3.2", 1],
    ["1.3.6.1", "1.3.6.1", 0],
    ["1.3.4294967295", "1.3.4294967294", 1],
    ["2", "10", -1],
    ["1.3.6.1.2.1.2.2.1.10.12", "1.3.6.1.2.1.2.2.1.10.1", 1],
    ["1.3.6.1.2.1.2.2.1.10.1.5", "1.3.6.1.2.1.2.2.1.10.2", -1],
  ])("%p is before, at or after %p", (a, b, sign) => {
    expect(Math.sign(compareOids(a, b))).toBe(sign);
  });

  test("OIDs are in order of their numbers, whatever they are", () => {
    const part = fc.oneof(fc.nat(12), fc.nat(4_294_967_295));
    const oid = fc.array(part, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(oid, oid, (a, b) => {
        const at = a.findIndex((value, i) => value !== b[i]);
        const expected = at >= 0 && at < b.length ? (a[at] as number) - (b[at] as number) : a.length - b.length;
        expect(Math.sign(compareOids(a.join("."), b.join(".")))).toBe(Math.sign(expected));
      }),
    );
  });
});
