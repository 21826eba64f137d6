import { describe, expect, test } from "bun:test";
import { AmoskysError } from "../../src/core/errors.ts";
import { failedCheck, makeCheck } from "../../src/tasks/doctor-check.ts";

describe("doctor: check", () => {
  test("what is found is the check", async () => {
    expect(await makeCheck("ring", "x", () => ({ status: "ok", found: "there" }))).toEqual({
      name: "ring",
      status: "ok",
      found: "there",
    });
  });

  test("an error is a failure with its code, also one that nobody expected", async () => {
    const refused = new AmoskysError("privilege_missing", "no", { hint: "sudo" });
    const expected = {
      name: "ring",
      status: "fail",
      found: "no",
      lost: "x",
      code: "privilege_missing",
      hint: "sudo",
    } as const;
    expect(await makeCheck("ring", "x", () => Promise.reject(refused))).toEqual(expected);
    expect(failedCheck("ring", "x", new Error("odd"))).toEqual({
      name: "ring",
      status: "fail",
      found: "odd",
      lost: "x",
      code: "internal",
    });
  });
});
