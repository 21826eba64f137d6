import { expect, test } from "bun:test";
import { duplicate, stored, type Verdict } from "../../src/bus/ack-code.ts";
import { Tally } from "../../src/bus/tally.ts";
import { type Labels, silentObserver } from "../../src/core/observer.ts";

function createTally() {
  const counted = new Map<string, number>();
  const count = (metric: string, labels: Labels = {}, by = 1) => {
    const key = [metric, ...Object.values(labels)].join(" ");
    counted.set(key, (counted.get(key) ?? 0) + by);
  };
  return { counted, tally: new Tally({ ...silentObserver, count }) };
}

test("a call counts once by its worst status, its events each by its code", () => {
  const { counted, tally } = createTally();
  const conflict: Verdict = { code: "conflict", reason: "c" };
  const refused = tally.call("a", [stored, stored, duplicate, conflict, { ...conflict }], 3);
  expect(refused.map(({ code }) => code)).toEqual(["conflict"]);
  expect(tally.refused).toBe(2);
  expect(Object.fromEntries(counted)).toEqual({
    "amoskys_bus_messages_received_total a": 5,
    "amoskys_bus_messages_processed_total a": 3,
    "amoskys_bus_messages_duplicate_total a": 1,
    "amoskys_bus_messages_failed_total a conflict": 2,
    "amoskys_bus_forks_total a": 2,
    "bus_publish_total INVALID": 1,
    bus_invalid_total: 1,
  });
});

test("a peer outside the trust map leaves no label of its own", () => {
  const { counted, tally } = createTally();
  tally.call(undefined, [{ code: "unknown_agent", reason: "" }], 1);
  tally.call("a", [{ code: "overload", reason: "" }], 1);
  expect(Object.fromEntries(counted)).toEqual({
    "bus_publish_total SECURITY_VIOLATION": 1,
    "bus_publish_total OVERLOAD": 1,
    bus_retry_total: 1,
    "amoskys_bus_messages_received_total a": 1,
    "amoskys_bus_messages_failed_total a overload": 1,
  });
});
