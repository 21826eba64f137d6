import { describe, expect, test } from "bun:test";
import { isAgentName } from "../../src/core/agent-name.ts";

describe("isAgentName", () => {
  test.each(["agent", "host-1.example_2", "A", "x".repeat(64)])("%s is one", (name) => {
    expect(isAgentName(name)).toBe(true);
  });

  test("other strings, lists and numbers are none", () => {
    const others = ["", ".", "..", "a/b", "a b", "ä", "a\n", "x".repeat(65), undefined, ["agent", "admin"], ["agent"]];
    expect(others.filter(isAgentName)).toEqual([]);
  });
});
