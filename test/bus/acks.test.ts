import { describe, expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { stored, type Verdict } from "../../src/bus/ack-code.ts";
import { encodePublishAck, encodeResults, encodeUniversalAck } from "../../src/bus/acks.ts";
import { type AckCode, ackCodes } from "../../src/data/ack-codes.ts";
import { PublishEnvelopesResponseSchema, PublishTreeResponseSchema } from "../../src/gen/amoskys/v1/bus_pb.ts";
import { PublishAck_Status, PublishAckSchema } from "../../src/gen/messaging_schema_pb.ts";
import { UniversalAck_Status, UniversalAckSchema } from "../../src/gen/universal_telemetry_pb.ts";

const idle = { load: 0.25, queueDepth: 3, ratePerSecond: 9.6, slowHintMs: 0 };
const busy = { ...idle, slowHintMs: 700 };

/** Statuses by code as the wire has them. */
const statuses: Record<AckCode, UniversalAck_Status> = {
  stored: UniversalAck_Status.OK,
  duplicate: UniversalAck_Status.OK,
  overload: UniversalAck_Status.OVERLOAD,
  window_full: UniversalAck_Status.RETRY,
  disk_low: UniversalAck_Status.RETRY,
  draining: UniversalAck_Status.RETRY,
  rate_limited: UniversalAck_Status.QUOTA_EXCEEDED,
  internal: UniversalAck_Status.PROCESSING_ERROR,
  too_large: UniversalAck_Status.INVALID,
  non_canonical: UniversalAck_Status.INVALID,
  undecodable: UniversalAck_Status.INVALID,
  missing: UniversalAck_Status.INVALID,
  conflict: UniversalAck_Status.INVALID,
  bad_signature: UniversalAck_Status.SECURITY_VIOLATION,
  digest_mismatch: UniversalAck_Status.SECURITY_VIOLATION,
  unknown_agent: UniversalAck_Status.SECURITY_VIOLATION,
  unknown_key: UniversalAck_Status.SECURITY_VIOLATION,
  revoked: UniversalAck_Status.SECURITY_VIOLATION,
  expired: UniversalAck_Status.SECURITY_VIOLATION,
  not_permitted: UniversalAck_Status.SECURITY_VIOLATION,
};

const codes = Object.keys(ackCodes) as AckCode[];

describe("acks", () => {
  test.each(codes)("a UniversalAck says %s with its status", (code) => {
    const verdict: Verdict = { code, reason: "why", hintMs: 1234.2 };
    const ack = fromBinary(UniversalAckSchema, encodeUniversalAck(verdict, idle, 77n));
    const taken = ackCodes[code].class === "done";
    expect(ack).toMatchObject({
      status: statuses[code],
      code,
      reason: "why",
      backoffHintMs: taken ? 0 : 1235,
      processedTimestampNs: 77n,
      eventsAccepted: taken ? 1 : 0,
      eventsRejected: taken ? 0 : 1,
      validationErrors: ackCodes[code].class === "record" ? ["why"] : [],
      currentLoad: 0.25,
      queueDepth: 3,
      processingRatePerSecond: 10,
    });
  });

  test.each(codes)("a PublishAck says %s in the statuses of the first generation, or nothing", (code) => {
    const bytes = encodePublishAck({ code, reason: "why", hintMs: 9 }, idle);
    if (ackCodes[code].class === "identity") {
      expect(bytes).toBeUndefined();
      return;
    }
    const ack = fromBinary(PublishAckSchema, bytes as Uint8Array);
    const expected = {
      done: PublishAck_Status.OK,
      wait: PublishAck_Status.RETRY,
      record: ["bad_signature", "digest_mismatch"].includes(code)
        ? PublishAck_Status.UNAUTHORIZED
        : PublishAck_Status.INVALID,
      identity: undefined,
    }[ackCodes[code].class];
    expect(ack).toMatchObject({ status: expected as PublishAck_Status, code, reason: "why" });
  });

  test("what was taken under load carries the wish to slow down", () => {
    expect(fromBinary(UniversalAckSchema, encodeUniversalAck(stored, busy, 1n)).backoffHintMs).toBe(700);
    expect(fromBinary(PublishAckSchema, encodePublishAck(stored, busy) as Uint8Array).backoffHintMs).toBe(700);
  });

  test("results decode as both responses, one for each event, with the longest hint", () => {
    const verdicts: Verdict[] = [
      stored,
      { code: "disk_low", reason: "r".repeat(300), hintMs: 200 },
      stored,
      { code: "window_full", reason: "x", hintMs: 90_000 },
      { code: "conflict", reason: "y" },
    ];
    const bytes = encodeResults(verdicts, busy);
    for (const schema of [PublishTreeResponseSchema, PublishEnvelopesResponseSchema]) {
      const response = fromBinary(schema, bytes);
      expect(response.backoffHintMs).toBe(90_000);
      expect(response.results.map(({ status, code, reason }) => ({ status, code, reason }))).toEqual(
        verdicts.map(({ code, reason }) => ({ status: statuses[code], code, reason })),
      );
    }
  });

  test("no results and no hint is an empty message", () => {
    expect(encodeResults([], busy)).toEqual(new Uint8Array());
  });

  test("a hint never overflows the wire's number", () => {
    const ack = fromBinary(
      PublishAckSchema,
      encodePublishAck({ code: "disk_low", reason: "", hintMs: 1e12 }, idle) as Uint8Array,
    );
    expect(ack.backoffHintMs).toBe(2 ** 31 - 1);
  });
});
