import type { RecordKind } from "../core/event.ts";
import { keepFields } from "./cut-fields.ts";
import type { EnvelopeFacts, LossFacts, ParkedFacts, ProofFacts } from "./facts.ts";

const nothing = new Uint8Array();

/** The facts of a UniversalEnvelope while the walker fills them in. */
export class UniversalFacts implements EnvelopeFacts {
  version = "";
  tsNs = 0n;
  key = "";
  kind: RecordKind = "flow";
  payload: Uint8Array = nothing;
  sig: Uint8Array | undefined;
  prevSig: Uint8Array = nothing;
  algorithm = "";
  agent = "";
  epoch = "";
  sequence = 0;
  loss: LossFacts | undefined;
  parked: ParkedFacts | undefined;
  proof: ProofFacts | undefined;
  synthetic = false;
  retryCount = 0;
  /** The serialized TreeProof. */
  proofBytes: Uint8Array | undefined;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  leafBytes(): Uint8Array {
    return keepFields(this.#bytes, (field) => field !== 8 && field !== 104);
  }
}
