import { expect, test } from "bun:test";
import { classifyAck } from "../../src/delivery/ack-class.ts";
import { UniversalAck_Status as Status } from "../../src/gen/universal_telemetry_pb.ts";

const table: readonly [number, string, string][] = [
  [Status.OK, "stored", "done"],
  [Status.OK, "duplicate", "done"],
  [Status.RETRY, "overload", "wait"],
  [Status.RETRY, "window_full", "wait"],
  [Status.OVERLOAD, "overload", "wait"],
  [Status.RETRY, "disk_low", "wait"],
  [Status.RETRY, "draining", "wait"],
  [Status.QUOTA_EXCEEDED, "rate_limited", "wait"],
  [Status.PROCESSING_ERROR, "internal", "wait"],
  [Status.INVALID, "too_large", "record"],
  [Status.INVALID, "non_canonical", "record"],
  [Status.INVALID, "undecodable", "record"],
  [Status.INVALID, "missing", "record"],
  [Status.INVALID, "conflict", "record"],
  [Status.SECURITY_VIOLATION, "bad_signature", "record"],
  [Status.SECURITY_VIOLATION, "digest_mismatch", "record"],
  [Status.SECURITY_VIOLATION, "unknown_agent", "identity"],
  [Status.SECURITY_VIOLATION, "unknown_key", "identity"],
  [Status.SECURITY_VIOLATION, "revoked", "identity"],
  [Status.SECURITY_VIOLATION, "expired", "identity"],
  [Status.SECURITY_VIOLATION, "not_permitted", "identity"],
];

test.each(table)("classifyAck of status %d with code %s is %s", (status, code, expected) => {
  expect(classifyAck(status, code)).toBe(expected as never);
});

test("classifyAck goes by the status where the code is absent or unknown", () => {
  expect(classifyAck(Status.OK, "")).toBe("done");
  expect(classifyAck(Status.RETRY, "from_the_future")).toBe("wait");
  expect(classifyAck(Status.INVALID, "")).toBe("record");
  expect(classifyAck(99, "")).toBe("wait");
});

test("classifyAck sets nothing aside for a refusal of security without a known reason", () => {
  expect(classifyAck(Status.SECURITY_VIOLATION, "")).toBe("identity");
  expect(classifyAck(Status.SECURITY_VIOLATION, "constructor")).toBe("identity");
});

test("classifyAck settles for OK alone, whatever the code claims", () => {
  expect(classifyAck(Status.RETRY, "stored")).toBe("wait");
  expect(classifyAck(Status.INVALID, "duplicate")).toBe("record");
  expect(classifyAck(99, "stored")).toBe("wait");
});
