import { describe, expect, test } from "bun:test";
import { RateGate } from "../../src/bus/rate-gate.ts";

describe("RateGate", () => {
  test("lets an agent without a limit pass", () => {
    const gate = new RateGate();
    for (let i = 0; i < 1000; i += 1) {
      expect(gate.refusal("a", undefined, 0)).toBeUndefined();
      gate.take("a", 512);
    }
  });

  test("refuses above the rate with the time until there is room, and only that agent", () => {
    const gate = new RateGate();
    expect(gate.refusal("a", 10, 0)).toBeUndefined();
    gate.take("a", 40);
    const refusal = gate.refusal("a", 10, 0);
    expect(refusal).toMatchObject({ code: "rate_limited" });
    expect(gate.refusal("b", 10, 0)).toBeUndefined();
    expect(gate.refusal("a", 10, refusal?.hintMs ?? 0)).toBeUndefined();
  });

  test("takes a changed limit up at once", () => {
    const gate = new RateGate();
    gate.refusal("a", 1, 0);
    gate.take("a", 100);
    expect(gate.refusal("a", 1, 0)?.code).toBe("rate_limited");
    expect(gate.refusal("a", 1000, 0)).toBeUndefined();
  });

  test("does not forget a debt when it sweeps", () => {
    const gate = new RateGate();
    gate.refusal("a", 10, 0);
    gate.take("a", 100);
    gate.sweep(1000);
    expect(gate.refusal("a", 10, 1000)?.code).toBe("rate_limited");
    gate.sweep(60_000);
    expect(gate.refusal("a", 10, 60_000)).toBeUndefined();
  });
});
