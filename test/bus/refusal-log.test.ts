import { expect, test } from "bun:test";
import { RefusalLog } from "../../src/bus/refusal-log.ts";
import { type LogFields, silentObserver } from "../../src/core/observer.ts";
import { ManualClock } from "./manual-clock.ts";

test("refusals are logged once in ten seconds per agent and code, with the number left out", () => {
  const clock = new ManualClock();
  const lines: LogFields[] = [];
  const log = new RefusalLog({ ...silentObserver, log: (_level, _message, fields = {}) => lines.push(fields) }, clock);
  const bad = { code: "bad_signature", reason: "r" } as const;
  for (let i = 0; i < 500; i += 1) log.refused("a", bad);
  log.refused("b", bad);
  log.refused("a", { code: "conflict", reason: "r" });
  expect(lines.map(({ agent, code }) => `${agent} ${code}`)).toEqual([
    "a bad_signature",
    "b bad_signature",
    "a conflict",
  ]);
  clock.advance(10_000);
  log.refused("a", bad);
  expect(lines[3]).toMatchObject({ agent: "a", not_logged: 499 });
});
