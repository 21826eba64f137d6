import { describe, expect, test } from "bun:test";
import { parseSubnet } from "../../../src/collectors/snmp/subnet.ts";
import { hostAddresses } from "../../../src/core/ip-range.ts";

const hosts = (text: string) => [...hostAddresses(parseSubnet(text))];

describe("subnets", () => {
  test("the hosts of a range, without its own address and the broadcast", () => {
    expect(hosts("192.168.7.9/29")).toEqual([9, 10, 11, 12, 13, 14].map((host) => `192.168.7.${host}`));
    expect(hosts("10.0.0.4/31")).toEqual(["10.0.0.4", "10.0.0.5"]);
    expect(hosts("127.0.0.1/32")).toEqual(["127.0.0.1"]);
    expect(hosts("172.16.0.0/16")).toHaveLength(65_534);
  });

  test.each(["8.8.8.0/24", "192.0.2.0/24", "172.32.0.0/24", "172.15.255.0/24", "192.169.0.0/24"])(
    "%s is not private",
    (text) => {
      expect(() => parseSubnet(text)).toThrow("not private");
    },
  );

  test("larger than a /16 is refused, also where all of it is private", () => {
    expect(() => parseSubnet("10.0.0.0/8")).toThrow("larger than a /16");
  });

  test.each(["10.0.0.0", "010.0.0.0/24", "10.0.0.256/24", "10.0.0.0/33", "fd00::/64", "10.0.0.0/24 ", ""])(
    "%p is no range",
    (text) => {
      expect(() => parseSubnet(text)).toThrow("is no IPv4 range");
    },
  );
});
