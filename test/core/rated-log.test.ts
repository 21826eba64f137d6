import { expect, test } from "bun:test";
import { type LogFields, silentObserver } from "../../src/core/observer.ts";
import { RatedLog } from "../../src/core/rated-log.ts";
import { ManualClock } from "../bus/manual-clock.ts";

test("a line comes once in ten seconds for each key, with the number left out and the level asked for", () => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = (level: string, message: string, fields: LogFields = {}) =>
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const rated = new RatedLog({ ...silentObserver, log }, clock);
  for (let id = 1; id <= 100; id += 1) rated.log("damage", "error", "damaged", { id });
  rated.log("other", "warn", "other", {});
  clock.advance(10_000);
  rated.log("damage", "error", "damaged", { id: 101 });
  expect(lines).toEqual(['error damaged {"id":1}', "warn other {}", 'error damaged {"id":101,"not_logged":99}']);
});
