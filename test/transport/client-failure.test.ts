import { describe, expect, test } from "bun:test";
import { connectFailure, statusOfHttp } from "../../src/transport/client-failure.ts";

const coded = (code: string) => Object.assign(new Error("said the socket\u001b"), { code });

describe("connectFailure", () => {
  test.each([
    ["ECONNREFUSED", "unreachable"],
    ["ENOTFOUND", "unreachable"],
    ["ECONNRESET", "unreachable"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "unreachable"],
    ["ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "unreachable"],
    ["ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "unreachable"],
    // alerts of RFC 8446, section 6.2, that a bus not of ours sends
    ["ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED", "identity_refused"],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "identity_refused"],
    ["ERR_SSL_TLSV1_ALERT_ACCESS_DENIED", "identity_refused"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", "identity_refused"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "identity_refused"],
    ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "identity_refused"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "identity_refused"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "identity_refused"],
    ["CERT_HAS_EXPIRED", "identity_refused"],
    ["INVALID_PURPOSE", "identity_refused"],
  ] as const)("takes %s for %s", (code, expected) => {
    const failure = connectFailure(coded(code), "bus:1");
    expect(failure.code).toBe(expected);
    expect(failure.message).toContain("bus:1");
    expect(failure.message).not.toContain("\u001b");
    expect(failure.hint).toBeString();
    expect(failure.retryable).toBe(expected === "unreachable");
  });

  test("takes a connection that was closed without a word for unreachable", () => {
    expect(connectFailure(undefined, "bus:1").code).toBe("unreachable");
  });
});

test.each([
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "UNIMPLEMENTED"],
  [429, "UNAVAILABLE"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "UNAVAILABLE"],
  [500, "UNKNOWN"],
] as const)("statusOfHttp maps %d to %s", (httpStatus, status) => {
  expect(statusOfHttp(httpStatus)).toBe(status);
});
