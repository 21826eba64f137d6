import { describe, expect, test } from "bun:test";
import { alignColumns, lineColumns, wrapBehind } from "../../src/cli/columns.ts";

describe("alignColumns", () => {
  test("cells stand below each other, and nothing is left of the last one", () => {
    expect(alignColumns([["a", "b"], ["日本", "c"], ["d"]])).toEqual(["a     b", "日本  c", "d"]);
  });
});

describe("lineColumns", () => {
  test("a terminal has its own; elsewhere it is the same for everyone", () => {
    expect(lineColumns({ terminal: true, columns: 200 })).toBe(200);
    expect(lineColumns({ terminal: false, columns: 80 })).toBe(120);
  });
});

describe("wrapBehind", () => {
  test("breaks between words, under the first of them", () => {
    expect(wrapBehind("- Why: ", "one two three", 14)).toEqual(["- Why: one two", "       three"]);
    expect(wrapBehind("- ", "short", 14)).toEqual(["- short"]);
  });
});
