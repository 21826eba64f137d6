import { expect, test } from "bun:test";
import { type AgentConditions, agentState } from "../../src/delivery/agent-state.ts";

const well: AgentConditions = {
  started: true,
  stopping: false,
  held: false,
  failures: 0,
  retryMax: 6,
  askedToWait: false,
  pressed: false,
  met: true,
};

const table: readonly [string, Partial<AgentConditions>][] = [
  ["active", {}],
  ["initializing", { started: false }],
  ["connecting", { met: false }],
  ["connecting", { failures: 5 }],
  ["retrying", { failures: 6 }],
  ["retrying", { failures: 6, askedToWait: true }],
  ["backpressure", { failures: 1, askedToWait: true }],
  ["backpressure", { pressed: true }],
  ["error", { held: true, failures: 9 }],
  ["shutdown", { stopping: true, held: true }],
];

test.each(table)("agentState is %s for %p", (expected, conditions) => {
  expect(agentState({ ...well, ...conditions })).toBe(expected as never);
});

test("agentState reports retrying at the first failure where retry_max is 0, and never without one", () => {
  expect(agentState({ ...well, retryMax: 0, failures: 1 })).toBe("retrying");
  expect(agentState({ ...well, retryMax: 0 })).toBe("active");
});
