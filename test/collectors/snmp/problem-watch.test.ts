import { describe, expect, test } from "bun:test";
import { ProblemWatch } from "../../../src/collectors/snmp/problem-watch.ts";

describe("a device's problem", () => {
  test("is told once per change of its code", () => {
    const watch = new ProblemWatch();
    const codes = [undefined, "timeout", "timeout", "answer_invalid", undefined] as const;
    expect(codes.map((code, i) => watch.isNews(code, i))).toEqual([false, true, false, true, true]);
  });

  test("that comes and goes is told once a minute, and what holds in the end is not lost", () => {
    const watch = new ProblemWatch();
    const told: string[] = [];
    for (let s = 0; s < 130; s += 1) {
      const code = s % 2 === 0 || s > 120 ? "answer_invalid" : undefined;
      if (watch.isNews(code, s * 1000)) told.push(`${s} ${code}`);
    }
    expect(told).toEqual([
      "0 answer_invalid",
      "1 undefined",
      "60 answer_invalid",
      "61 undefined",
      "120 answer_invalid",
    ]);
  });
});
