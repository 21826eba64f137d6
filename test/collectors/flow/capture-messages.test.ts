import { describe, expect, test } from "bun:test";
import { postedError, thrownError } from "../../../src/collectors/flow/capture-messages.ts";
import { AmoskysError } from "../../../src/core/errors.ts";

describe("capture messages", () => {
  test("an error is in the other thread what it was in this one", () => {
    const error = new AmoskysError("privilege_missing", "Cannot capture", { hint: "sudo", details: { f: () => {} } });
    const posted = structuredClone(postedError(error));
    expect(thrownError(posted)).toMatchObject({ code: "privilege_missing", message: "Cannot capture", hint: "sudo" });
    expect(thrownError(postedError("odd"))).toMatchObject({ code: "internal", message: "odd", hint: undefined });
  });
});
