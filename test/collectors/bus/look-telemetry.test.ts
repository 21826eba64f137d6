import { describe, expect, test } from "bun:test";
import { LookHistory } from "../../../src/collectors/bus/look-history.ts";
import { lookEvents, newsLine } from "../../../src/collectors/bus/look-telemetry.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { Collected } from "../proc/run-collector.ts";
import { answerWith } from "./bus-answer.ts";

const bus = { address: "bus.example:50051", intervalMs: 10_000 };
const time = (seconds: number) => ({ wallNs: BigInt(seconds) * 1_000_000_000n, monotonicMs: seconds * 1000 });
const well = { reached: true, answer: answerWith(), latencyMs: 2.5 } as const;
const refused = { reached: false, error: new AmoskysError("identity_refused", "not you") } as const;
const away = { reached: false, error: new AmoskysError("timeout", "did not answer") } as const;

/** The events of the last of these looks, ten seconds apart. */
function lastOf(sights: readonly (typeof well | typeof refused | typeof away)[]) {
  const history = new LookHistory(15_000);
  const found = sights.map((sight, i) => history.add(sight, time(1000 + i * 10)));
  const look = found.at(-1) as (typeof found)[number];
  const collected = new Collected();
  for (const event of lookEvents(look, bus)) collected.take(event);
  const [device] = collected.devices;
  return { look, collected, device, types: device?.events.map(({ eventType }) => eventType) };
}

describe("lookEvents", () => {
  test("figures have units, and times are of when the look began", () => {
    const { collected, device } = lastOf([well, well]);
    expect(device).toMatchObject({ deviceId: bus.address, timestampNs: 1_010_000_000_000n });
    const units = device?.events.map(({ metricData }) => [metricData?.metricName, metricData?.unit]);
    expect(units).toEqual([
      ["bus.up", "1"],
      ["bus.commits", "1"],
      ["bus.latency", "s"],
      ["bus.throughput", "1/s"],
      ["bus.events", "1"],
      ["bus.connections", "1"],
      ["bus.load", "percent"],
      ["bus.uptime", "s"],
      ["bus.queue_depth", "1"],
      ["bus.log.records", "1"],
      ["bus.log.commit_age", "s"],
      ["bus.failed_looks", "1"],
    ]);
    expect(Object.fromEntries(collected.metrics())).toMatchObject({
      "bus.up": 1,
      "bus.latency": 0.0025,
      "bus.load": 50,
      "bus.log.commit_age": 1,
    });
  });

  test("a bus that never committed has no age of a commit, and what it does not tell is not made up", () => {
    const answer = answerWith({ figures: { last_commit_ms: "0", free_bytes: "unknown" } });
    const history = new LookHistory(15_000);
    const collected = new Collected();
    const look = history.add({ reached: true, answer, latencyMs: 1 }, time(1));
    for (const event of lookEvents(look, bus)) collected.take(event);
    expect([...collected.metrics().keys()].filter((name) => /log|queue/.test(name))).toEqual([]);
  });

  test("an outage is one STATUS with its reason; the looks after it are figures only", () => {
    const first = lastOf([well, away]);
    expect(first.types?.slice(0, 2)).toEqual(["STATUS", "METRIC"]);
    expect(first.device?.events[0]).toMatchObject({
      severity: "CRITICAL",
      statusData: { status: "OFFLINE", previousStatus: "ONLINE", healthStatus: "CRITICAL" },
    });
    expect(first.device?.events[0]?.statusData?.statusChangeTimeNs).toBe(1_010_000_000_000n);
    expect(first.device?.events[1]?.metricData?.stringValue).toBe("did not answer; it was well for 10s");
    const second = lastOf([well, away, away]);
    expect(second.types?.every((type) => type === "METRIC")).toBe(true);
    expect(Object.fromEntries(second.collected.metrics())).toEqual({
      "bus.up": 0,
      "bus.commits": 0,
      "bus.unanswered": 20,
      "bus.failed_looks": 2,
    });
  });

  test("a refusal is a finding too, once", () => {
    expect(lastOf([well, refused]).types).toContain("SECURITY");
    expect(lastOf([well, refused, refused]).types).not.toContain("SECURITY");
    expect(lastOf([well, away]).types).not.toContain("SECURITY");
  });

  test("a restart is news although the bus is as well as before", () => {
    const history = new LookHistory(15_000);
    history.add(well, time(0));
    const answer = answerWith({ uptimeSeconds: 3 });
    const look = history.add({ reached: true, answer, latencyMs: 1 }, time(10));
    expect(newsLine(look)).toBe("answers in 1.0 ms; the bus was started 3s ago");
    const collected = new Collected();
    for (const event of lookEvents(look, bus)) collected.take(event);
    expect(collected.devices[0]?.events[0]?.statusData).toMatchObject({
      status: "ONLINE",
      previousStatus: "ONLINE",
      restartCount: 1,
    });
  });
});
