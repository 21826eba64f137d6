import { describe, expect, test } from "bun:test";
import { defaultBusLimits } from "../../src/bus/limits.ts";
import { type Admittance, OverloadGate, type OverloadMode } from "../../src/bus/overload-gate.ts";
import { ManualClock } from "./manual-clock.ts";

const limits = { ...defaultBusLimits, maxInflight: 10, hardMax: 20, inflightBytesMax: 1000 };

function createGate(mode: OverloadMode = "auto") {
  const clock = new ManualClock();
  const gate = new OverloadGate(limits, clock, mode);
  const enter = (agent: string, bytes = 1) => gate.enter(agent, bytes);
  const fill = (agent: string, count: number) => Array.from({ length: count }, () => enter(agent) as Admittance);
  return { clock, gate, enter, fill };
}

describe("OverloadGate", () => {
  test("asks to slow down from max_inflight on, refuses from hard_max on", () => {
    const { gate, enter, fill } = createGate();
    fill("a", 10);
    expect(gate.slowHintMs()).toBe(0);
    fill("a", 1);
    expect(gate.slowHintMs()).toBeGreaterThan(0);
    fill("a", 9);
    expect(enter("a")).toMatchObject({ code: "overload" });
    expect(gate.load).toBe(1);
  });

  test("lets calls in again as others leave, and counts each leaving once", () => {
    const { gate, enter, fill } = createGate();
    const tickets = fill("a", 20);
    tickets[0]?.leave();
    tickets[0]?.leave();
    expect(gate.inflight).toBe(19);
    expect(enter("a")).toHaveProperty("leave");
    expect(enter("a")).toMatchObject({ code: "overload" });
  });

  test("an agent below its share finds room although another fills the bus", () => {
    const { enter, fill } = createGate();
    fill("greedy", 20);
    const entered = Array.from({ length: 12 }, () => enter("modest")).filter((ticket) => "leave" in ticket);
    expect(entered).toHaveLength(10);
    expect(enter("greedy")).toMatchObject({ code: "overload" });
  });

  test("never holds more than twice hard_max calls or bytes, in no mode", () => {
    for (const mode of ["auto", "off"] as const) {
      const { gate, enter } = createGate(mode);
      for (let i = 0; i < 200; i += 1) enter(`agent-${i}`, 1);
      expect(gate.inflight).toBeLessThanOrEqual(40);
      const bytes = createGate(mode);
      for (let i = 0; i < 30; i += 1) bytes.enter(`agent-${i}`, 300);
      expect(bytes.gate.inflight).toBeLessThanOrEqual(6);
    }
  });

  test("hints for at least as long as what is in flight takes to drain", () => {
    const { clock, gate, enter, fill } = createGate();
    // ten answers a second
    for (let i = 0; i < 10; i += 1) {
      const [ticket] = fill("a", 1);
      clock.advance(100);
      ticket?.leave();
    }
    fill("a", 20);
    expect(gate.ratePerSecond()).toBeCloseTo(10, 5);
    const refusal = enter("a");
    expect("hintMs" in refusal ? refusal.hintMs : 0).toBeGreaterThanOrEqual(2000);
  });

  test("on refuses everything, off gives no hints and goes beyond hard_max", () => {
    expect(createGate("on").enter("a")).toMatchObject({
      code: "overload",
      reason: expect.stringContaining("overload"),
    });
    const { gate, fill, enter } = createGate("off");
    fill("a", 20);
    expect(enter("a")).toHaveProperty("leave");
    expect(gate.slowHintMs()).toBe(0);
  });
});
