import { keepFields } from "./cut-fields.ts";
import type { FlowEnvelopeFacts } from "./facts.ts";
import { type Refused, refuse } from "./fault.ts";
import { FieldCursor } from "./field-cursor.ts";
import { envelopeBytesMax } from "./limits.ts";
import { stampNsMax } from "./scan-records.ts";
import { FieldSet, flowEnvelopeShape, nextShaped } from "./shapes.ts";
import { textOf } from "./text.ts";

/** The answer of the walker over a first-generation Envelope. */
export type FlowEnvelopeScan = { readonly ok: true; readonly facts: FlowEnvelopeFacts } | Refused;

const nothing = new Uint8Array();

class FlowFacts implements FlowEnvelopeFacts {
  version = "";
  tsNs = 0n;
  key = "";
  flow: Uint8Array | undefined;
  payload: Uint8Array | undefined;
  sig: Uint8Array | undefined;
  prevSig: Uint8Array = nothing;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  signedBytes(): Uint8Array {
    return keepFields(this.#bytes, (field) => field <= 4);
  }

  judgedBytes(): Uint8Array {
    return keepFields(this.#bytes, (field) => field !== 5);
  }
}

/** Reads a messaging.Envelope off its bytes: any order and form that protobuf allows, each field once. */
export function scanFlowEnvelope(bytes: Uint8Array): FlowEnvelopeScan {
  if (bytes.length > envelopeBytesMax) {
    return refuse("too_large", `an envelope of ${bytes.length} bytes, at most ${envelopeBytesMax} are taken`);
  }
  const facts = new FlowFacts(bytes);
  const cursor = new FieldCursor(bytes, false);
  const seen = new FieldSet();
  while (nextShaped(cursor, flowEnvelopeShape, false, seen)) takeField(facts, cursor);
  if (cursor.fault) return refuse(cursor.fault, cursor.reason);
  if (!facts.flow && !facts.payload) return refuse("missing", "missing flow and payload: the envelope holds no event");
  if (facts.tsNs > stampNsMax) return refuse("undecodable", "ts_ns lies beyond the year 2262");
  return { ok: true, facts };
}

function takeField(facts: FlowFacts, cursor: FieldCursor): void {
  switch (cursor.field) {
    case 1:
      facts.version = textOf(cursor.value());
      break;
    case 2:
      facts.tsNs = cursor.uint64();
      break;
    case 3:
      facts.key = textOf(cursor.value());
      break;
    case 4:
      facts.flow = cursor.value();
      break;
    case 5:
      if (cursor.end > cursor.start) facts.sig = cursor.value();
      break;
    case 6:
      facts.prevSig = cursor.value();
      break;
    case 7:
      if (cursor.end > cursor.start) facts.payload = cursor.value();
      break;
  }
}
