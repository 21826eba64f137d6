import { expect, test } from "bun:test";
import { parseLoadAverage } from "../../src/procfs/index.ts";

test("parseLoadAverage", () => {
  expect(parseLoadAverage("0.21 0.37 10.39 1/719 19737\n")).toEqual({
    oneMinute: 0.21,
    fiveMinutes: 0.37,
    fifteenMinutes: 10.39,
  });
  for (const text of ["", "0.1 0.2", "a b c", "-1 0 0"]) expect(parseLoadAverage(text)).toBeUndefined();
});
