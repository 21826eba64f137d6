import { describe, expect, test } from "bun:test";
import {
  addressBytes,
  addressCount,
  addressNumber,
  addressText,
  hostAddresses,
  type IpRange,
  isWithin,
  parseIpRange,
  privateRanges,
} from "../../src/core/ip-range.ts";

const rangeOf = (text: string) => parseIpRange(text) as IpRange;

describe("parseIpRange", () => {
  test("a range begins where its prefix says; an address is a range of one", () => {
    expect(parseIpRange("10.0.0.9/29")).toEqual({ family: 4, first: 0x0a000008n, last: 0x0a00000fn });
    expect(parseIpRange("10.0.0.9")).toEqual(rangeOf("10.0.0.9/32"));
    expect([addressCount(rangeOf("fd00::1")), addressCount(rangeOf("fd00::/112"))]).toEqual([1, 65_536]);
    expect(addressCount(rangeOf("0.0.0.0/0"))).toBe(2 ** 32);
  });

  test.each(["", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0/24", "10.0.0.1/24/24", "fe80::1%eth0", "010.0.0.1"])(
    "%p is none",
    (text) => expect(parseIpRange(text)).toBeUndefined(),
  );
});

describe("privateRanges", () => {
  const isPrivate = (text: string) => isWithin(rangeOf(text), privateRanges);

  test.each([
    ["10.0.0.0/8", "9.255.255.255", "11.0.0.0"],
    ["172.16.0.0/12", "172.15.255.255", "172.32.0.0"],
    ["192.168.0.0/16", "192.167.255.255", "192.169.0.0"],
    ["100.64.0.0/10", "100.63.255.255", "100.128.0.0"],
    ["169.254.0.0/16", "169.253.255.255", "169.255.0.0"],
    ["127.0.0.0/8", "126.255.255.255", "128.0.0.0"],
    ["fc00::/7", "fbff:ffff::", "fe00::"],
    ["fe80::/10", "fe7f::", "fec0::"],
    ["::1", "::", "::2"],
  ])("%s is, and neither of its neighbours", (range, before, after) => {
    expect([range, before, after].map(isPrivate)).toEqual([true, false, false]);
  });

  test("a range is only where all of it is; families are not mixed up", () => {
    expect(["10.0.0.0/7", "172.16.0.0/11", "0.0.0.1", "::a00:1"].map(isPrivate)).toEqual([false, false, false, false]);
  });
});

describe("addresses", () => {
  const hosts = (text: string) => [...hostAddresses(rangeOf(text))];

  test("of hosts: not the network's own and the broadcast address where there are any", () => {
    expect(hosts("10.0.0.4/30")).toEqual(["10.0.0.5", "10.0.0.6"]);
    expect(hosts("10.0.0.4/31")).toEqual(["10.0.0.4", "10.0.0.5"]);
    expect(hosts("10.0.0.4")).toEqual(["10.0.0.4"]);
    expect(hosts("fd00::fe/127")).toEqual(["fd00::fe", "fd00::ff"]);
    expect(hosts("10.1.0.0/16")).toHaveLength(65_534);
  });

  test.each(["::1", "fe80::1:2", "2001:db8::", "1:2:3:4:5:6:7:8", "10.20.30.255"])("%s is read and written", (text) => {
    expect(addressText(text.includes(":") ? 6 : 4, addressNumber(text))).toBe(text);
  });

  test("as they are sent", () => {
    expect([...addressBytes("10.20.30.255")]).toEqual([10, 20, 30, 255]);
    expect([...addressBytes("fd00::102:3")]).toEqual([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 3]);
  });
});
