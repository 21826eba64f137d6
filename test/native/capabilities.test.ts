import { describe, expect, test } from "bun:test";
import { effectiveCapabilities, parseEffectiveCapabilities } from "../../src/native/index.ts";

describe("capabilities", () => {
  test("reads names out of the mask", () => {
    // capability.h: CAP_NET_ADMIN is 12, CAP_NET_RAW 13, CAP_BPF 39
    expect([...parseEffectiveCapabilities("CapPrm:\t000001ffffffffff\nCapEff:\t0000008000003000\n")]).toEqual([
      "CAP_NET_ADMIN",
      "CAP_NET_RAW",
      "CAP_BPF",
    ]);
    expect(parseEffectiveCapabilities("CapEff:\t000001ffffffffff\n").size).toBe(41);
  });

  test.each(["", "CapEff:\t", "CapEff:\tzz", "CapPrm:\t0000000000003000"])("finds none in %p", (status) => {
    expect(parseEffectiveCapabilities(status).size).toBe(0);
  });

  test("where /proc is not, nothing is guessed", () => {
    expect(() => effectiveCapabilities("/nowhere/status")).toThrow(
      expect.objectContaining({ code: "facility_missing" }),
    );
  });

  test("agrees with the kernel about this process", async () => {
    const mask = BigInt(`0x${/CapEff:\s*(\w+)/.exec(await Bun.file("/proc/self/status").text())?.[1]}`);
    const bits = [...mask.toString(2)].filter((bit) => bit === "1").length;
    expect(effectiveCapabilities().size).toBe(bits);
    expect(effectiveCapabilities().has("CAP_NET_RAW")).toBe(((mask >> 13n) & 1n) === 1n);
  });
});
