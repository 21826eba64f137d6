import { describe, expect, test } from "bun:test";
import { fitList, fitText, packTexts } from "../../src/tasks/fit-text.ts";

describe("fitText", () => {
  test.each([
    ["abcde", 5, "abcde"],
    ["abcdef", 5, "abcd…"],
    ["日本語語", 6, "日本…"],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本…"],
    ["a\u001bb", 6, "a\\x1bb"],
    ["a\u001bb", 5, "a\\x1…"],
    [`a${"\u0301".repeat(90)}`, 5, `a${"\u0301".repeat(19)}…`],
  ])("%j in %d columns", (text, columns, fitted) => {
    expect(fitText(text, columns)).toBe(fitted);
  });
});

describe("fitList", () => {
  const list = (columns: number, ...items: string[]) => fitList(items, (item) => item, columns);

  test("shows what there is room for, with the count of the others", () => {
    expect(list(10, "aa", "bb", "cc")).toBe("aa, bb, cc");
    expect(list(10, "aa", "bb", "ccc")).toBe("aa, 2 more");
    expect(list(14, "aa", "bb", "cc", "dd")).toBe("aa, bb, cc, dd");
    expect(list(13, "aa", "bb", "cc", "dd")).toBe("aa, 3 more");
    expect(list(13)).toBe("");
  });

  test("one in any case, cut", () => {
    expect(list(12, "a".repeat(50), "b")).toBe("aaa…, 1 more");
    expect(list(6, "a".repeat(50))).toBe("aaaaa…");
  });

  test("words are made for what is shown alone", () => {
    let made = 0;
    const count = (item: number) => {
      made += 1;
      return String(item).padStart(8);
    };
    fitList(
      Array.from({ length: 10_000 }, (_, i) => i),
      count,
      72,
    );
    expect(made).toBeLessThan(12);
  });
});

describe("packTexts", () => {
  test("fills lines, and leaves what is wider whole", () => {
    expect(packTexts(["aa", "bb", "cc", "d".repeat(20), "e"], 6)).toEqual(["aa  bb", "cc", "d".repeat(20), "e"]);
    expect(packTexts([], 6)).toEqual([]);
  });
});
