import { expect, test } from "bun:test";
import { CounterWatch } from "../../../src/collectors/snmp/counter-watch.ts";

test("a counter grows since the round before, and only since that", () => {
  const watch = new CounterWatch();
  const round = (value?: number) => {
    watch.begin();
    return value === undefined ? undefined : watch.growth("ifInErrors.1", value);
  };
  expect([round(2000), round(2000), round(2150), round(7), round(9), round(), round(20)]).toEqual([
    undefined,
    0,
    150,
    undefined,
    2,
    undefined,
    undefined,
  ]);
});
