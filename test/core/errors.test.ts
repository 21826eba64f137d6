import { describe, expect, test } from "bun:test";
import { AmoskysError, errnoOf, errorClasses } from "../../src/core/errors.ts";

describe("AmoskysError", () => {
  test("carries code, hint, cause and details", () => {
    const cause = new Error("inner");
    const error = new AmoskysError("unreachable", "No bus", { hint: "amoskys up", cause, details: { port: 1 } });
    expect(error).toMatchObject({ code: "unreachable", hint: "amoskys up", cause, details: { port: 1 } });
    expect(error.retryable).toBe(true);
    expect(error.exitStatus).toBe(13);
  });

  test("from() keeps an AmoskysError and wraps anything else as internal", () => {
    const error = new AmoskysError("usage", "No");
    expect(AmoskysError.from(error)).toBe(error);
    expect(AmoskysError.from(new TypeError("boom"))).toMatchObject({ code: "internal", message: "boom" });
    expect(AmoskysError.from("text")).toMatchObject({ code: "internal", message: "text" });
  });

  test("exit statuses are those of the command line's contract", () => {
    const allowed = new Set([1, 2, 3, 10, 11, 12, 13, 14, 130, 141]);
    expect(Object.values(errorClasses).filter(({ exitStatus }) => !allowed.has(exitStatus))).toEqual([]);
  });
});

describe("errnoOf", () => {
  test("answers the errno name of a system error and nothing for others", () => {
    expect(errnoOf(Object.assign(new Error(), { code: "ENOENT" }))).toBe("ENOENT");
    expect(errnoOf(new Error())).toBeUndefined();
    expect(errnoOf(null)).toBeUndefined();
  });
});
