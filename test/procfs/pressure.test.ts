import { expect, test } from "bun:test";
import { parsePressure } from "../../src/procfs/index.ts";

test("parsePressure reads both lines and leaves out what is none", () => {
  const text = "some avg10=0.18 avg60=0.34 avg300=0.10 total=159886802\nfull avg10=0.00 avg60=x avg300=0 total=1\n\n";
  expect(parsePressure(text)).toEqual([{ kind: "some", avg10: 0.18, avg60: 0.34, avg300: 0.1, totalUs: 159_886_802 }]);
  expect(parsePressure("")).toEqual([]);
});
