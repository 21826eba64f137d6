import { type AckCode, ackCodes } from "../data/ack-codes.ts";
import { scanFlowEnvelope, scanUniversal, splitEnvelopes, splitTree, treeBytesMax } from "../envelope/index.ts";
import { CallRefusal, type EventMethod } from "../transport/index.ts";
import type { Verdict } from "./ack-code.ts";
import { encodePublishAck, encodeResults, encodeUniversalAck, type Load } from "./acks.ts";
import type { LegacyAdmission } from "./legacy-admission.ts";
import type { Outcome, Sender } from "./outcome.ts";
import type { SealedAdmission } from "./sealed-admission.ts";

/** Where events are let in, by their form. */
export interface Admissions {
  readonly sealed: SealedAdmission;
  readonly legacy: LegacyAdmission;
}

/** Runs a piece of work when the agent's turn comes. */
export type RunInTurn = <T>(work: () => T) => Promise<T>;

/** One call that carries events: how many, how they are let in, and how its answer is written. */
export interface PublishCall {
  readonly events: number;
  /** One outcome for each event, in their order. */
  admit(sender: Sender, run: RunInTurn): Promise<readonly Outcome[]>;
  /** Throws a CallRefusal where the answer is a gRPC status. */
  encode(verdicts: readonly Verdict[], load: Load, nowNs: bigint): Uint8Array;
}

/** Opens a call by its method. Throws a CallRefusal where the request cannot be taken apart. */
export function openCall(method: EventMethod, bytes: Uint8Array, admissions: Admissions): PublishCall {
  switch (method) {
    case "Publish":
      return openPublish(bytes, admissions);
    case "PublishTelemetry":
      return openTelemetry(bytes, admissions);
    case "PublishTree":
      return openTree(bytes, admissions);
    case "PublishEnvelopes":
      return openEnvelopes(bytes, admissions);
  }
}

/** Agents of earlier generations delete what is refused with an ack: a fault of identity is a status to them. */
export function statusRefusal({ code, reason }: Verdict): CallRefusal {
  const forbidden: readonly AckCode[] = ["not_permitted", "unknown_agent"];
  return new CallRefusal(forbidden.includes(code) ? "PERMISSION_DENIED" : "UNAUTHENTICATED", `${code}: ${reason}`);
}

function openPublish(bytes: Uint8Array, { legacy }: Admissions): PublishCall {
  const admit = (sender: Sender): Outcome => {
    const scan = scanFlowEnvelope(bytes);
    return scan.ok ? legacy.flow(sender, bytes, scan.facts) : { code: scan.fault, reason: scan.reason };
  };
  return {
    events: 1,
    admit: async (sender, run) => [await run(() => admit(sender))],
    encode(verdicts, load) {
      const verdict = verdicts[0] as Verdict;
      const ack = encodePublishAck(verdict, load);
      if (!ack) throw statusRefusal(verdict);
      return ack;
    },
  };
}

/** Whether an envelope is signed in a form of today; what cannot be read counts as an earlier agent's. */
function isSealed(bytes: Uint8Array): boolean {
  const scan = scanUniversal(bytes);
  return scan.ok && scan.facts.agent !== "";
}

function admitEnvelope(sender: Sender, bytes: Uint8Array, { sealed, legacy }: Admissions): Outcome {
  const scan = scanUniversal(bytes);
  if (!scan.ok) return { code: scan.fault, reason: scan.reason };
  return scan.facts.agent === ""
    ? legacy.universal(sender, bytes, scan.facts)
    : sealed.envelope(sender, bytes, scan.facts);
}

function openTelemetry(bytes: Uint8Array, admissions: Admissions): PublishCall {
  return {
    events: 1,
    admit: async (sender, run) => [await run(() => admitEnvelope(sender, bytes, admissions))],
    encode(verdicts, load, nowNs) {
      const verdict = verdicts[0] as Verdict;
      if (ackCodes[verdict.code].class === "identity" && !isSealed(bytes)) throw statusRefusal(verdict);
      return encodeUniversalAck(verdict, load, nowNs);
    },
  };
}

function openEnvelopes(bytes: Uint8Array, admissions: Admissions): PublishCall {
  const split = splitEnvelopes(bytes);
  if (!split.ok) throw new CallRefusal("INVALID_ARGUMENT", split.reason);
  const { envelopes } = split;
  return {
    events: envelopes.length,
    admit: (sender, run) =>
      Promise.all(envelopes.map((envelope) => run(() => admitEnvelope(sender, envelope, admissions)))),
    encode: encodeResults,
  };
}

function openTree(bytes: Uint8Array, { sealed }: Admissions): PublishCall {
  const tree = splitTree(bytes);
  if (!tree.ok) {
    throw new CallRefusal(bytes.length > treeBytesMax ? "RESOURCE_EXHAUSTED" : "INVALID_ARGUMENT", tree.reason);
  }
  return {
    events: tree.leaves.length,
    async admit(sender, run) {
      const admitted = await run(() => sealed.tree(sender, tree));
      return admitted.type === "whole" ? admitted.outcomes : Promise.all(admitted.steps.map(run));
    },
    encode: encodeResults,
  };
}
