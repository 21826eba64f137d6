import { describe, expect, test } from "bun:test";
import type { BusAnswer } from "../../../src/collectors/bus/bus-probe.ts";
import { LookHistory } from "../../../src/collectors/bus/look-history.ts";
import { AmoskysError } from "../../../src/core/errors.ts";
import { answerWith } from "./bus-answer.ts";

const error = new AmoskysError("unreachable", "no bus there");
const time = (seconds: number) => ({ wallNs: BigInt(seconds) * 1_000_000_000n, monotonicMs: seconds * 1000 });

/** Looks ten seconds apart; undefined: no answer. */
function looks(answers: readonly (Partial<BusAnswer> | undefined)[], waitedMsMax = 15_000) {
  const history = new LookHistory(waitedMsMax);
  return answers.map((changes, i) =>
    history.add(
      changes ? { reached: true, answer: answerWith(changes), latencyMs: 1 } : { reached: false, error },
      time(i * 10),
    ),
  );
}

describe("LookHistory", () => {
  test("what stays as it is, is news once; what changes says what it was before and for how long", () => {
    const found = looks([{}, {}, undefined, undefined, undefined, {}]);
    expect(found.map(({ isNews }) => isNews)).toEqual([true, false, true, false, false, true]);
    expect(found.map(({ before }) => before && [before.verdict.condition, before.lastedMs])).toEqual([
      undefined,
      undefined,
      ["well", 20_000],
      undefined,
      undefined,
      ["not answering", 30_000],
    ]);
  });

  test("the time without an answer runs from the last answer, or from the first look", () => {
    expect(looks([{}, undefined, undefined, {}]).map(({ unansweredMs }) => unansweredMs)).toEqual([
      0, 10_000, 20_000, 0,
    ]);
    const never = looks([undefined, undefined]);
    expect(never.map(({ unansweredMs, failedLooks }) => [unansweredMs, failedLooks])).toEqual([
      [0, 1],
      [10_000, 2],
    ]);
  });

  test("calls that wait while the last commit stays the same are a bus that does not commit", () => {
    const waiting = { figures: { inflight: "3", last_commit_ms: "1000" } };
    const committing = { figures: { inflight: "3", last_commit_ms: "2000" } };
    const idle = { figures: { inflight: "0", last_commit_ms: "2000" } };
    const commits = (answers: readonly Partial<BusAnswer>[]) => looks(answers).map(({ verdict }) => verdict.commits);
    expect(commits([waiting, waiting, waiting, committing])).toEqual([true, true, false, true]);
    // busy, and every look finds a call in flight
    expect(commits([waiting, committing, waiting, committing])).toEqual([true, true, true, true]);
    // idle for long, with a call in flight by chance
    expect(commits([idle, idle, idle, committing])).toEqual([true, true, true, true]);
    expect(commits([waiting, idle, waiting, waiting])).toEqual([true, true, true, true]);
  });

  test("a bus that counts from the start again was restarted: news, and no throughput", () => {
    const found = looks([
      { uptimeSeconds: 100, eventsTotal: 50 },
      { uptimeSeconds: 110, eventsTotal: 250 },
      { uptimeSeconds: 4, eventsTotal: 260 },
      { uptimeSeconds: 14, eventsTotal: 0 },
      undefined,
      { uptimeSeconds: 3, eventsTotal: 9 },
    ]);
    expect(found.map(({ isRestarted }) => isRestarted)).toEqual([false, false, true, true, false, true]);
    expect(found.map(({ isNews }) => isNews)).toEqual([true, false, true, true, true, true]);
    expect(found.map(({ throughput }) => throughput)).toEqual([
      undefined,
      20,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(found.at(-1)?.restarts).toBe(3);
  });

  test("throughput after an outage is over the whole time since the answer before", () => {
    const found = looks([{ eventsTotal: 100 }, undefined, { eventsTotal: 300, uptimeSeconds: 30 }]);
    expect(found[2]?.throughput).toBe(10);
  });
});
