import { describe, expect, test } from "bun:test";
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs, parseTimeNs } from "../../src/core/quantities.ts";

describe("parseDurationMs", () => {
  test.each([
    ["250ms", 250],
    ["1.5s", 1500],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["1h30m", 5_400_000],
  ])("%s", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test.each(["", "15", "m", "-1s", "1 s", "1e3s", "15minutes"])("refuses %p", (text) => {
    expect(() => parseDurationMs(text)).toThrow("is no duration");
  });
});

describe("parseBytes", () => {
  test.each([
    ["4096", 4096],
    ["64KiB", 65_536],
    ["200MB", 200_000_000],
    ["1.5 GiB", 1_610_612_736],
  ])("%s", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(["", "MB", "-1", "1 parsec", "0x10"])("refuses %p", (text) => {
    expect(() => parseBytes(text)).toThrow("is no size");
  });
});

describe("parseTimeNs", () => {
  test("reads RFC 3339 and durations back from now", () => {
    expect(parseTimeNs("2026-01-31T12:00:00Z", 0)).toBe(1_769_860_800_000_000_000n);
    expect(parseTimeNs("2026-01-31T13:00:00+01:00", 0)).toBe(1_769_860_800_000_000_000n);
    expect(parseTimeNs("15m", 1_000_000)).toBe(100_000_000_000n);
  });

  test("a time of day without a zone is refused with the way to write it; a day is that of UTC", () => {
    expect(() => parseTimeNs("2026-01-31T12:00:00", 0)).toThrow("write 2026-01-31T12:00:00Z for UTC");
    expect(parseTimeNs("2026-01-31", 0)).toBe(1_769_817_600_000_000_000n);
    expect(parseTimeNs("1h30m", 5_400_000)).toBe(0n);
  });

  test.each(["yesterday", "12:00", "2026-13-01T00:00:00Z", ""])("refuses %p", (text) => {
    expect(() => parseTimeNs(text, 0)).toThrow("is no time");
  });
});

describe("formats for people", () => {
  test("bytes", () => {
    expect([0, 1023, 1024, 1_572_864].map(formatBytes)).toEqual(["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
  });

  test("durations, the two largest units", () => {
    expect([800, 59_000, 725_000, 3_600_000, 277_200_000].map(formatDurationMs)).toEqual([
      "800 ms",
      "59s",
      "12m 5s",
      "1h",
      "3d 5h",
    ]);
  });
});
