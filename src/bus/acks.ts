import { create, toBinary } from "@bufbuild/protobuf";
import { concatBytes } from "../core/bytes.ts";
import { type AckClass, ackCodes } from "../data/ack-codes.ts";
import { ResultSchema } from "../gen/amoskys/v1/bus_pb.ts";
import { PublishAckSchema } from "../gen/messaging_schema_pb.ts";
import { UniversalAckSchema } from "../gen/universal_telemetry_pb.ts";
import { firstStatusOf, statusOf, type Verdict } from "./ack-code.ts";

/** How busy the bus is, as acks tell it. */
export interface Load {
  /** Calls in flight as a share of the number from which on calls are refused. */
  readonly load: number;
  /** Events taken in that are not answered yet. */
  readonly queueDepth: number;
  readonly ratePerSecond: number;
  /** How long the next call should wait even though this one was taken; 0 while there is room. */
  readonly slowHintMs: number;
}

const hintMsMax = 0x7fff_ffff;

function classOf(verdict: Verdict): AckClass {
  return ackCodes[verdict.code].class;
}

/** The wait that an answer asks for: the verdict's own, and where the event was taken, the bus's wish to slow down. */
function hintOf(verdict: Verdict, load: Load): number {
  const hintMs = classOf(verdict) === "done" ? load.slowHintMs : (verdict.hintMs ?? 0);
  return Math.min(hintMsMax, Math.ceil(hintMs));
}

/** The answer to a first-generation Envelope; undefined: to be answered with a gRPC status. */
export function encodePublishAck(verdict: Verdict, load: Load): Uint8Array | undefined {
  const status = firstStatusOf(verdict.code);
  if (status === undefined) return undefined;
  const { code, reason } = verdict;
  return toBinary(
    PublishAckSchema,
    create(PublishAckSchema, { status, reason, code, backoffHintMs: hintOf(verdict, load) }),
  );
}

/** The answer to a UniversalEnvelope. */
export function encodeUniversalAck(verdict: Verdict, load: Load, nowNs: bigint): Uint8Array {
  const { code, reason } = verdict;
  const taken = classOf(verdict) === "done";
  const ack = create(UniversalAckSchema, {
    status: statusOf(code),
    reason,
    code,
    backoffHintMs: hintOf(verdict, load),
    processedTimestampNs: nowNs,
    eventsAccepted: taken ? 1 : 0,
    eventsRejected: taken ? 0 : 1,
    validationErrors: classOf(verdict) === "record" ? [reason] : [],
    currentLoad: load.load,
    queueDepth: load.queueDepth,
    processingRatePerSecond: Math.round(load.ratePerSecond),
  });
  return toBinary(UniversalAckSchema, ack);
}

const resultsTag = 0x0a;
const hintTag = 0x10;

function writeVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function encodeResult({ code, reason }: Verdict): Uint8Array {
  const result = toBinary(ResultSchema, create(ResultSchema, { status: statusOf(code), code, reason }));
  const head = [resultsTag];
  writeVarint(head, result.length);
  return concatBytes([Uint8Array.from(head), result]);
}

/**
 * The answer to a tree or to several envelopes: PublishTreeResponse and PublishEnvelopesResponse have the same fields.
 * Written directly: nearly always all verdicts are one and the same, which is then encoded once.
 */
export function encodeResults(verdicts: readonly Verdict[], load: Load): Uint8Array {
  const encoded = new Map<Verdict, Uint8Array>();
  const parts: Uint8Array[] = [];
  let hintMs = 0;
  for (const verdict of verdicts) {
    let result = encoded.get(verdict);
    if (!result) {
      result = encodeResult(verdict);
      encoded.set(verdict, result);
      hintMs = Math.max(hintMs, hintOf(verdict, load));
    }
    parts.push(result);
  }
  if (hintMs > 0) {
    const hint = [hintTag];
    writeVarint(hint, hintMs);
    parts.push(Uint8Array.from(hint));
  }
  return concatBytes(parts);
}
