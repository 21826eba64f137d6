import { describe, expect, test } from "bun:test";
import { nearest } from "../../src/core/nearest.ts";

describe("nearest", () => {
  test.each([
    ["prot", "port"],
    ["Hosts", "host"],
    ["max_inflght", "max_inflight"],
  ])("%s means %s", (typed, meant) => {
    expect(nearest(typed, ["host", "port", "max_inflight"])).toBe(meant);
  });

  test("answers nothing where nothing is near", () => {
    expect(nearest("dashboard", ["host", "port"])).toBeUndefined();
    expect(nearest("x".repeat(10_000), ["host"])).toBeUndefined();
  });
});
