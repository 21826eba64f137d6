import { describe, expect, test } from "bun:test";
import {
  type AddressRange,
  addressBytes,
  addressNumber,
  addressText,
  hostAddresses,
  parseTarget,
  privateAddress,
} from "../../../src/collectors/scan/address-range.ts";
import { AmoskysError } from "../../../src/core/errors.ts";

function refusal(text: string): string {
  try {
    parseTarget(text);
  } catch (caught) {
    return caught instanceof AmoskysError && caught.code === "usage" ? caught.message : String(caught);
  }
  return "";
}

describe("parseTarget", () => {
  test.each(["10.0.0.0/16", "172.31.255.0/24", "192.168.1.7", "169.254.0.0/16", "127.0.0.0/30", "fd00::/112", "::1"])(
    "takes %s",
    (text) => expect(refusal(text)).toBe(""),
  );

  test.each(["8.8.8.0/24", "172.32.0.0/24", "192.169.0.0/30", "2001:db8::/120", "11.0.0.0/31"])(
    "%s is not private, and refused",
    (text) => expect(refusal(text)).toContain("is not private"),
  );

  test.each(["10.0.0.0/8", "0.0.0.0/0", "fc00::/7", "192.0.0.0/2"])("%s is too large or no host", (text) =>
    expect(refusal(text)).toMatch(/more than 65536 addresses|no address of a host/),
  );

  test.each(["224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "ff02::1", "::ffff:8.8.8.8"])("%s is no host", (text) =>
    expect(refusal(text)).toContain("no address of a host"),
  );

  test.each([
    "",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0/24",
    "10.0.0.1/24/24",
    "fe80::1%eth0",
    "010.0.0.1",
    "10.0.0",
    "-a.example",
    "a..b",
    "a b",
    `${"a".repeat(64)}.example`,
  ])("%p is nothing that is known", (text) => expect(refusal(text)).toContain("is no address"));

  test.each(["printer", "printer.example.org", "printer.example.org.", "7.rack.example", "localhost", "a-b_c.d2"])(
    "%s is a name",
    (text) => expect(parseTarget(text)).toEqual({ name: text }),
  );

  test("an address that is named by itself may be any host's", () => {
    expect(refusal("192.0.2.7")).toBe("");
  });
});

function addressesOf(text: string): string[] {
  return [...hostAddresses(parseTarget(text) as AddressRange)];
}

describe("privateAddress", () => {
  test.each(["10.1.2.3", "172.16.0.1", "192.168.0.1", "127.0.0.1", "::1", "fd00::1"])("%s may be scanned", (text) => {
    expect(privateAddress(text)).toMatchObject({ single: true });
  });
  test.each(["8.8.8.8", "2001:db8::1", "0.0.0.0", "::ffff:10.0.0.1", "10.0.0.0/8", "name"])("%s may not", (text) => {
    expect(privateAddress(text)).toBeUndefined();
  });
});

describe("hostAddresses", () => {
  test("leaves out the network's own and the broadcast address where there are any", () => {
    expect(addressesOf("10.0.0.4/30")).toEqual(["10.0.0.5", "10.0.0.6"]);
    expect(addressesOf("10.0.0.4/31")).toEqual(["10.0.0.4", "10.0.0.5"]);
    expect(addressesOf("10.0.0.4")).toEqual(["10.0.0.4"]);
    expect(addressesOf("fd00::fe/127")).toEqual(["fd00::fe", "fd00::ff"]);
    expect(addressesOf("10.1.0.0/16")).toHaveLength(65_534);
  });

  test.each(["::1", "fe80::1:2", "2001:db8::", "1:2:3:4:5:6:7:8", "10.20.30.255"])("%s is read and written", (text) => {
    expect(addressText(text.includes(":") ? 6 : 4, addressNumber(text))).toBe(text);
  });

  test("addresses as they are sent", () => {
    expect([...addressBytes("10.20.30.255")]).toEqual([10, 20, 30, 255]);
    expect([...addressBytes("fd00::102:3")]).toEqual([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 3]);
  });
});
