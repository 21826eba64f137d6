import { bytesEqual } from "../core/bytes.ts";
import { blake2b256 } from "../core/hashes.ts";
import {
  type EnvelopeFacts,
  type FlowEnvelopeFacts,
  legacyUniversalJudgedBytes,
  legacyUniversalSignedBytes,
} from "../envelope/index.ts";
import type { LegacyForm } from "../identity/index.ts";
import { duplicate, type Verdict } from "./ack-code.ts";
import type { LegacyLane } from "./legacy-lane.ts";
import { awaiting, type Outcome, type Sender, sharing } from "./outcome.ts";
import { conflict, type StoredRecords } from "./stored-records.ts";
import { LegacyUnit, type UnitRecord } from "./unit.ts";

/** The longest key of an earlier agent: it stands in an index. */
const keyBytesMax = 1024;

interface LegacyEvent {
  readonly key: string;
  readonly sig: Uint8Array | undefined;
  readonly record: UnitRecord;
  signedBytes(): Uint8Array;
  judgedBytes(): Uint8Array;
}

/** Lets in what agents of earlier generations send, as far as their trust entry allows it. */
export class LegacyAdmission {
  readonly #lane: LegacyLane;
  readonly #stored: StoredRecords;
  readonly #legacyDefault: LegacyForm;

  constructor(lane: LegacyLane, stored: StoredRecords, legacyDefault: LegacyForm) {
    this.#lane = lane;
    this.#stored = stored;
    this.#legacyDefault = legacyDefault;
  }

  /** A first-generation Envelope. */
  flow(sender: Sender, bytes: Uint8Array, facts: FlowEnvelopeFacts): Outcome {
    const { tsNs, key, sig } = facts;
    return this.#admit(sender, {
      key,
      sig,
      record: { tsNs, kind: "flow", form: "envelope", bytes, leaf: bytes },
      signedBytes: () => facts.signedBytes(),
      judgedBytes: () => facts.judgedBytes(),
    });
  }

  /** A UniversalEnvelope without a v2 signature. */
  universal(sender: Sender, bytes: Uint8Array, facts: EnvelopeFacts): Outcome {
    const { tsNs, kind, key, sig } = facts;
    return this.#admit(sender, {
      key,
      sig,
      record: { tsNs, kind, form: "universal", bytes, leaf: bytes },
      signedBytes: () => legacyUniversalSignedBytes(bytes),
      judgedBytes: () => legacyUniversalJudgedBytes(bytes),
    });
  }

  #admit(sender: Sender, event: LegacyEvent): Outcome {
    const refusal = this.#refuseForm(sender, event) ?? refuseKey(event.key) ?? refuseSignature(sender, event);
    if (refusal) return refusal;
    const agent = sender.entry.name;
    const { key, record } = event;
    const judgedDigest = blake2b256(event.judgedBytes());
    const pending = this.#lane.find(agent, key);
    if (pending) {
      const same = bytesEqual(pending.judgedDigest, judgedDigest);
      return sharing(pending, () => (same ? duplicate : conflict("its idempotency_key")));
    }
    const known = this.#stored.keyVerdict(agent, key, judgedDigest);
    if (known) return known;
    const trust = event.sig ? ("signed_legacy" as const) : ("unsigned" as const);
    const unit = new LegacyUnit({ agent, key, record, trust, judgedDigest });
    this.#lane.offer(unit);
    return awaiting(unit);
  }

  #refuseForm({ entry }: Sender, { sig }: LegacyEvent): Verdict | undefined {
    const legacy = entry.legacy ?? this.#legacyDefault;
    if (legacy === "none") {
      return { code: "not_permitted", reason: `${entry.name} may not send the forms of earlier agents` };
    }
    if (!sig && legacy !== "unsigned") {
      return { code: "not_permitted", reason: `${entry.name} may not send unsigned events` };
    }
    return undefined;
  }
}

function refuseKey(key: string): Verdict | undefined {
  if (key === "") return { code: "missing", reason: "missing idempotency_key" };
  if (key.length <= keyBytesMax) return undefined;
  return { code: "non_canonical", reason: `an idempotency_key longer than ${keyBytesMax}` };
}

function refuseSignature({ entry, trust, atMs }: Sender, event: LegacyEvent): Verdict | undefined {
  const { name } = entry;
  if (!event.sig) return undefined;
  if (!trust.hasKey(name, atMs)) return { code: "unknown_key", reason: `no key of ${name} holds in the trust map` };
  if (trust.verifySignature(name, event.signedBytes(), event.sig, atMs)) return undefined;
  return { code: "bad_signature", reason: `no key of ${name} made the signature` };
}
