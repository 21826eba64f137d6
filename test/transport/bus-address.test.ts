import { describe, expect, test } from "bun:test";
import { parseBusAddress } from "../../src/transport/bus-address.ts";

describe("parseBusAddress", () => {
  test.each([
    ["localhost:50052", "localhost", 50052, "localhost:50052"],
    ["bus.example", "bus.example", 50051, "bus.example:50051"],
    ["192.0.2.1:1", "192.0.2.1", 1, "192.0.2.1:1"],
    ["[2001:db8::1]:7", "2001:db8::1", 7, "[2001:db8::1]:7"],
    ["[::1]", "::1", 50051, "[::1]:50051"],
  ] as const)("reads %s", (given, host, port, text) => {
    expect(parseBusAddress(given)).toEqual({ host, port, text });
  });

  test.each(["", ":1", "a:0", "a:65536", "a:b", "::1:50051", "a b:1", "https://a:1", "a:1/x", "[::1]x:1", "a\n:1"])(
    "refuses %p",
    (given) => {
      expect(() => parseBusAddress(given)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    },
  );
});
