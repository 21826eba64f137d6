import { describe, expect, test } from "bun:test";
import type { BusAnswer } from "../../../src/collectors/bus/bus-probe.ts";
import { figure, judgeBus } from "../../../src/collectors/bus/decode.ts";
import { AmoskysError, type ErrorCode } from "../../../src/core/errors.ts";
import { answerWith } from "./bus-answer.ts";

const waitedMsMax = 15_000;
const judge = (changes: Partial<BusAnswer>, waitedMs = 0) =>
  judgeBus({ reached: true, answer: answerWith(changes), latencyMs: 2 }, { waitedMs, waitedMsMax });
const judgeError = (code: ErrorCode) =>
  judgeBus({ reached: false, error: new AmoskysError(code, "why") }, { waitedMs: 0, waitedMsMax });

describe("judgeBus", () => {
  test("a bus that is well is online", () => {
    expect(judge({})).toEqual({
      condition: "well",
      status: "ONLINE",
      severity: "INFO",
      commits: true,
      message: "answers in 2.0 ms",
    });
  });

  test.each(["unreachable", "timeout"] as const)("one that fails with %s is offline, with the reason", (code) => {
    expect(judgeError(code)).toEqual({
      condition: "not answering",
      status: "OFFLINE",
      severity: "CRITICAL",
      commits: false,
      message: "why",
    });
  });

  test.each(["identity_refused", "unimplemented", "internal"] as const)("one that fails with %s is there", (code) => {
    expect(judgeError(code)).toMatchObject({ condition: "refusing this agent", status: "DEGRADED" });
  });

  test("one whose calls wait too long answers but does not commit", () => {
    expect(judge({}, waitedMsMax).commits).toBe(true);
    expect(judge({}, waitedMsMax + 1)).toMatchObject({
      condition: "not committing",
      severity: "CRITICAL",
      commits: false,
      message: "answers but does not commit: calls wait for 15s",
    });
  });

  test.each([
    ["message_processing", "CRITICAL"],
    ["message_processing", "WARNING"],
    ["disk_space", "CRITICAL"],
  ])("%s at %s is a bus that does not commit, whatever it says of itself else", (name, status) => {
    const components = { memory_usage: { status: "WARNING", message: "much" }, [name]: { status, message: "stuck" } };
    expect(judge({ overall: "UNHEALTHY", components })).toMatchObject({
      condition: "not committing",
      message: "answers but does not commit: stuck",
    });
  });

  test("other troubles are told by their components, in one order, and are not the end of commits", () => {
    const components = {
      queue_depth: { status: "CRITICAL", message: "900 calls in flight" },
      disk_space: { status: "WARNING", message: "little left" },
    };
    expect(judge({ overall: "UNHEALTHY", components })).toEqual({
      condition: "unhealthy (disk_space, queue_depth)",
      status: "DEGRADED",
      severity: "CRITICAL",
      commits: true,
      message: "answers but is unhealthy: disk_space: little left; queue_depth: 900 calls in flight",
    });
    expect(judge({ overall: "DEGRADED", components })).toMatchObject({ severity: "WARN" });
    expect(judge({ overall: "sideways", components: {} })).toMatchObject({ severity: "CRITICAL" });
  });

  test("what a bus says is bounded and cannot reach a terminal raw", () => {
    const components = { disk_space: { status: "CRITICAL", message: `\u001b[2J${"x".repeat(5000)}` } };
    const { message } = judge({ overall: "UNHEALTHY", components });
    expect(message).toContain("\\x1b[2J");
    expect(message.length).toBeLessThan(400);
  });
});

test("figure reads numbers only", () => {
  const answer = answerWith({ figures: { inflight: "3", free_bytes: "unknown" } });
  expect([figure(answer, "inflight"), figure(answer, "free_bytes"), figure(answer, "nothing")]).toEqual([
    3,
    undefined,
    undefined,
  ]);
});
