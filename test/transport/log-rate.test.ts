import { expect, test } from "bun:test";
import { LogRate } from "../../src/transport/log-rate.ts";
import { RecordingObserver } from "./bus-fixture.ts";

test("LogRate lets five lines of a topic through in ten seconds, and says later how many were left out", () => {
  const observer = new RecordingObserver();
  let nowMs = 0;
  const rate = new LogRate(observer, { wallMs: () => 0, wallNs: () => 0n, monotonicMs: () => nowMs });
  for (let i = 0; i < 100; i += 1) rate.log("warn", "one", { i });
  rate.log("warn", "two");
  expect(observer.lines.map((line) => line.message)).toEqual(["one", "one", "one", "one", "one", "two"]);
  nowMs = 10_000;
  rate.log("warn", "one", { i: 100 });
  rate.log("warn", "one", { i: 101 });
  expect(observer.lines.slice(6).map((line) => line.fields)).toEqual([{ i: 100, omitted: 95 }, { i: 101 }]);
});
