import { describe, expect, test } from "bun:test";
import { flowConfigSchema } from "../../../src/collectors/flow/index.ts";

describe("flowConfigSchema", () => {
  test("has a default for every key", () => {
    expect(flowConfigSchema.parse({})).toEqual({
      interfaces: [],
      idle_timeout_s: 30,
      active_timeout_s: 300,
      max_flows: 262_144,
      ring_bytes: 67_108_864,
      promiscuous: true,
      exclude_own: true,
    });
  });

  test("takes sizes as text", () => {
    expect(flowConfigSchema.parse({ ring_bytes: "8MiB" }).ring_bytes).toBe(8_388_608);
  });

  test.each([
    [{ idle_timeout: 30 }],
    [{ idle_timeout_s: 0 }],
    [{ idle_timeout_s: 1.5 }],
    [{ active_timeout_s: 100_000 }],
    [{ max_flows: 15 }],
    [{ max_flows: 16_777_216 }],
    [{ ring_bytes: "1KiB" }],
    [{ ring_bytes: "much" }],
    [{ ring_bytes: 2 ** 31 }],
    [{ interfaces: ["an-interface-name-too-long"] }],
  ])("refuses %j", (section) => {
    expect(flowConfigSchema.safeParse(section).success).toBe(false);
  });
});
