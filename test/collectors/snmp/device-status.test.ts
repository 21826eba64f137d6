import { describe, expect, test } from "bun:test";
import { statusFor, statusOf } from "../../../src/collectors/snmp/device-status.ts";
import { AmoskysError, type ErrorCode } from "../../../src/core/errors.ts";

describe("what a failure says of a device", () => {
  test.each<[ErrorCode, Record<string, unknown>, string | undefined]>([
    ["timeout", {}, "OFFLINE"],
    ["unreachable", { errno: "EHOSTUNREACH" }, "OFFLINE"],
    ["unreachable", { errno: "ENETUNREACH" }, undefined],
    ["unreachable", { errno: "ENOBUFS" }, undefined],
    ["unreachable", { errno: "EMFILE" }, undefined],
    ["unreachable", {}, undefined],
    ["identity_refused", {}, "DEGRADED"],
    ["answer_invalid", { status: 16 }, "DEGRADED"],
    ["answer_invalid", { discarded: "malformed" }, "DEGRADED"],
    ["answer_invalid", { discarded: "source" }, "OFFLINE"],
    ["facility_missing", {}, undefined],
    ["internal", {}, undefined],
  ])("%s %p: %p", (code, details, status) => {
    const failure = new AmoskysError(code, "it failed", { details });
    expect(statusFor(failure)).toBe(status as ReturnType<typeof statusFor>);
    expect(statusOf({ address: "10.0.0.1", reading: undefined, failure })).toBe(status as ReturnType<typeof statusOf>);
    // without an address nobody was asked
    expect(statusOf({ address: "", reading: undefined, failure })).toBeUndefined();
  });
});
