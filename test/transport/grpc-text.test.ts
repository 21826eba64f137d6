import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  formatGrpcTimeout,
  parseGrpcTimeout,
} from "../../src/transport/grpc-text.ts";

describe("grpc-message", () => {
  test("is printable ASCII, with UTF-8 bytes in percent", () => {
    expect(encodeGrpcMessage("a b~")).toBe("a b~");
    expect(encodeGrpcMessage("100 %\r\nü€")).toBe("100 %25%0D%0A%C3%BC%E2%82%AC");
  });

  test("comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const encoded = encodeGrpcMessage(text);
        expect(encoded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeGrpcMessage(encoded)).toBe(text);
      }),
      { seed: 1 },
    );
  });

  test("that is broken is kept as it stands", () => {
    expect(decodeGrpcMessage("50% off, %zz %4")).toBe("50% off, %zz %4");
    expect(decodeGrpcMessage("%ff")).toBe("\ufffd");
  });
});

describe("grpc-timeout", () => {
  test.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["20S", 20_000],
    ["150m", 150],
    ["500u", 0.5],
    ["100000n", 0.1],
    ["99999999H", 99_999_999 * 3_600_000],
  ] as const)("%s is %d ms", (text, ms) => {
    expect(parseGrpcTimeout(text)).toBeCloseTo(ms);
  });

  test.each(["", "20", "S", "1s", "-1S", "1.5S", "123456789S", "1S ", "1 S"])("%p is malformed", (text) => {
    expect(parseGrpcTimeout(text)).toBeUndefined();
  });

  test("is written so that it can be read", () => {
    expect(formatGrpcTimeout(20_000)).toBe("20000m");
    expect(formatGrpcTimeout(0.2)).toBe("1m");
    expect(parseGrpcTimeout(formatGrpcTimeout(1e12))).toBe(99_999_999);
  });
});
