import { describe, expect, test } from "bun:test";
import { linkFormOf } from "../../src/native/index.ts";

describe("link form", () => {
  // linux/if_arp.h and https://www.tcpdump.org/linktypes.html
  test.each([
    ["Ethernet", 1, { linkType: 1, cooked: false }],
    ["loopback", 772, { linkType: 1, cooked: false }],
    ["a tun device", 0xfffe, { linkType: 101, cooked: true }],
    ["PPP", 512, { linkType: 101, cooked: true }],
    ["GRE", 778, { linkType: 101, cooked: true }],
  ])("%s", (_name, hardwareType, form) => {
    expect(linkFormOf(hardwareType)).toEqual(form);
  });

  test("what carries no IP has none", () => {
    for (const hardwareType of [280, 801, 803, 804, 824, -1]) expect(linkFormOf(hardwareType)).toBeUndefined();
  });
});
