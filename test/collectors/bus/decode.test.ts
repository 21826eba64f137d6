import { describe, expect, test } from "bun:test";
import type { BusAnswer } from "../../../src/collectors/bus/bus-probe.ts";
import { figure, judgeBus } from "../../../src/collectors/bus/decode.ts";

const answer: BusAnswer = {
  overall: "HEALTHY",
  components: { disk_space: { status: "HEALTHY", message: "" } },
  version: "1",
  uptimeSeconds: 1,
  connections: 1,
  eventsTotal: 1,
  load: 0,
  figures: { inflight: "0", last_commit_ms: "1000", free_bytes: "oops" },
};
const judge = (changes: Partial<BusAnswer>, nowMs = 2000) =>
  judgeBus({ reached: true, answer: { ...answer, ...changes }, latencyMs: 2 }, nowMs, 15_000);

describe("judgeBus", () => {
  test("a bus that is well is online", () => {
    expect(judge({})).toEqual({ status: "ONLINE", severity: "INFO", message: "answers in 2.0 ms" });
  });

  test("one that cannot be reached is offline, with the reason", () => {
    const verdict = judgeBus({ reached: false, reason: "no bus there" }, 0, 1);
    expect(verdict).toEqual({ status: "OFFLINE", severity: "CRITICAL", message: "no bus there" });
  });

  test("one that answers but does not commit is critical; an idle one is not", () => {
    const waiting = { figures: { inflight: "3", last_commit_ms: "1000" } };
    expect(judge(waiting, 15_999).status).toBe("ONLINE");
    expect(judge(waiting, 16_001)).toMatchObject({ status: "DEGRADED", severity: "CRITICAL" });
    expect(judge({}, 1e9).status).toBe("ONLINE");
  });

  test("what the bus says of itself counts, by component", () => {
    const components = { disk_space: { status: "CRITICAL", message: "the disk is full" } };
    expect(judge({ overall: "UNHEALTHY", components })).toEqual({
      status: "DEGRADED",
      severity: "CRITICAL",
      message: "answers but is unhealthy: disk_space: the disk is full",
    });
    expect(judge({ overall: "DEGRADED", components })).toMatchObject({ severity: "WARN" });
  });
});

test("figure answers numbers and nothing else", () => {
  expect(figure(answer, "last_commit_ms")).toBe(1000);
  expect(figure(answer, "free_bytes")).toBeUndefined();
  expect(figure(answer, "nowhere")).toBeUndefined();
});
