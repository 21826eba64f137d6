import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatPorts, parsePorts } from "../../../src/collectors/scan/port-list.ts";

describe("parsePorts", () => {
  test("numbers and ranges, sorted, each once", () => {
    expect(parsePorts([8002, "22", "8000-8003", "1-1", 22])).toEqual([1, 22, 8000, 8001, 8002, 8003]);
    expect(parsePorts(["1-65535"])).toHaveLength(65_535);
    expect(parsePorts([])).toEqual([]);
  });

  test.each(["0", "65536", "22-", "-22", "23-22", "22,23", "0-5", "1.5", "", " 22", "22 ", "0x16", "99999", "ssh"])(
    "%p is no port",
    (item) => expect(() => parsePorts([item])).toThrow(`"${item}" is no port`),
  );
});

describe("formatPorts", () => {
  test("is read again as the same ports", () => {
    const someports = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 200 });
    fc.assert(
      fc.property(someports, (ports) => {
        const sorted = ports.sort((a, b) => a - b);
        const text = formatPorts(sorted, 10_000);
        expect(parsePorts(text === "" ? [] : text.split(","))).toEqual(sorted);
      }),
    );
  });

  test("neighbours together; cut where it is long", () => {
    expect(formatPorts([22, 80, 81, 82, 443], 100)).toBe("22,80-82,443");
    const odd = Array.from({ length: 30_000 }, (_, i) => 2 * i + 1);
    const text = formatPorts(odd, 100);
    expect(text.length).toBeLessThan(110);
    expect(text).toEndWith(",...");
  });
});
