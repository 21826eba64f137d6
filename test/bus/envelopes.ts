import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { envelopeKey, plainMessage } from "../../src/envelope/index.ts";
import { EnvelopeSchema, type PublishAck, PublishAckSchema } from "../../src/gen/messaging_schema_pb.ts";
import {
  type UniversalAck,
  UniversalAckSchema,
  type UniversalEnvelope,
  UniversalEnvelopeSchema,
} from "../../src/gen/universal_telemetry_pb.ts";
import type { AgentSigner } from "../../src/identity/index.ts";
import type { RawAnswer, TestAgent } from "../support/test-bus.ts";

export const paths = {
  publish: "/messaging.EventBus/Publish",
  universalPublish: "/messaging.UniversalEventBus/Publish",
  telemetry: "/messaging.UniversalEventBus/PublishTelemetry",
  tree: "/amoskys.v1.Bus/PublishTree",
  envelopes: "/amoskys.v1.Bus/PublishEnvelopes",
} as const;

type UniversalFields = Exclude<MessageInitShape<typeof UniversalEnvelopeSchema>, UniversalEnvelope>;

/** A v2 envelope field by field, where a group seal would not write what a test wants. */
export function sealedEnvelope(
  agent: TestAgent,
  sequence: number,
  fields: UniversalFields = {},
  signer: AgentSigner = agent.signer,
): Uint8Array {
  const whole: UniversalFields = {
    version: "2",
    tsNs: 1_700_000_000_000_000_000n,
    idempotencyKey: envelopeKey(agent.epoch, sequence),
    flow: { srcIp: `10.0.0.${sequence}` },
    signingAlgorithm: "ed25519-v2",
    agent: agent.name,
    epoch: BigInt(`0x${agent.epoch}`),
    sequence: BigInt(sequence),
    ...fields,
  };
  const message = create(UniversalEnvelopeSchema, whole);
  const leaf = toBinary(UniversalEnvelopeSchema, message);
  message.sig = signer.sign(plainMessage(message.agent, leaf));
  return toBinary(UniversalEnvelopeSchema, message);
}

/** A UniversalEnvelope as agents of the generation before send it; `signer` undefined leaves it unsigned. */
export function legacyEnvelope(fields: UniversalFields, signer?: AgentSigner): Uint8Array {
  const whole: UniversalFields = { version: "v1", tsNs: 5n, ...fields };
  const message = create(UniversalEnvelopeSchema, whole);
  if (signer) message.sig = signer.sign(toBinary(UniversalEnvelopeSchema, message));
  return toBinary(UniversalEnvelopeSchema, message);
}

/** A first-generation Envelope, signed over version, ts_ns, idempotency_key and flow alone. */
export function flowEnvelope(fields: MessageInitShape<typeof EnvelopeSchema>, signer?: AgentSigner): Uint8Array {
  const message = create(EnvelopeSchema, { version: "v1", tsNs: 5n, ...fields });
  const { version, tsNs, idempotencyKey, flow } = message;
  const signed = create(
    EnvelopeSchema,
    flow ? { version, tsNs, idempotencyKey, flow } : { version, tsNs, idempotencyKey },
  );
  if (signer) message.sig = signer.sign(toBinary(EnvelopeSchema, signed));
  return toBinary(EnvelopeSchema, message);
}

export function publishAck({ body }: RawAnswer): PublishAck {
  return fromBinary(PublishAckSchema, body);
}

export function universalAck({ body }: RawAnswer): UniversalAck {
  return fromBinary(UniversalAckSchema, body);
}
