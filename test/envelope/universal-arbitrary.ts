import { join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";

const protoDir = join(import.meta.dir, "../../proto");

function loadRoot(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoDir, target);
  return root.loadSync("universal_telemetry.proto", { keepCase: true });
}

const root = loadRoot();

/** messaging.UniversalEnvelope as protobufjs knows it. */
export const universalType = root.lookupType("messaging.UniversalEnvelope");

/** messaging.Envelope as protobufjs knows it. */
export const flowEnvelopeType = root.lookupType("messaging.Envelope");

interface LongBits {
  readonly low: number;
  readonly high: number;
  readonly unsigned: true;
}

/** A 64-bit integer as protobufjs takes it. */
export function long(value: bigint): LongBits {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: true,
  };
}

const text = fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }).filter((s) => s.isWellFormed());
const uint64 = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }).map(long);
const uint32 = fc.integer({ min: 1, max: 0xffff_ffff });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Leaves out any of the fields: protobuf has them all optional. */
const some = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });
const map = <T>(value: fc.Arbitrary<T>) => fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true });

const flow = some({
  src_ip: text,
  dst_ip: text,
  src_port: uint32,
  protocol: text,
  bytes_sent: uint64,
  start_time: uint64,
  packets_tx: uint64,
  community_id: text,
});
const process = some({ pid: uint64, exe: text, args: fc.array(text, { maxLength: 4 }), entity_id: text });
const device = some({
  device_id: text,
  metadata: some({ open_ports: fc.array(uint32, { maxLength: 5 }), capabilities: map(text) }),
  events: fc.array(some({ event_id: text, attributes: map(text), is_synthetic: fc.constant(true) }), { maxLength: 3 }),
  security: some({ compliance_status: map(fc.boolean()), anomaly_score: fc.float() }),
});
const batch = some({ telemetry_records: fc.array(device, { maxLength: 3 }), edge_metadata: map(text) });

/** What a random envelope was made of, beside the message for protobufjs. */
export interface MadeEnvelope {
  readonly message: Record<string, unknown>;
  readonly agent: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly tsNs: bigint;
  readonly kind: string;
}

const payload = fc.oneof(
  flow.map((value) => ({ kind: "flow", fields: { flow: value } })),
  process.map((value) => ({ kind: "process", fields: { process: value } })),
  device.map((value) => ({ kind: "device", fields: { device_telemetry: value } })),
  batch.map((value) => ({ kind: "batch", fields: { telemetry_batch: value } })),
  fc
    .tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 0, max: 1000 }), text)
    .map(([first, more, reason]) => ({
      kind: "loss",
      fields: {
        loss: {
          first_sequence: long(BigInt(first)),
          last_sequence: long(BigInt(first + more)),
          count: long(BigInt(more + 1)),
          reason,
        },
      },
    })),
  fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), bytes(32), text).map(([sequence, digest, code]) => ({
    kind: "parked",
    fields: { parked: { sequence: long(BigInt(sequence)), digest, code } },
  })),
);

const agentName = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/);
const epochHex = fc.stringMatching(/^[0-9a-f]{16}$/).filter((epoch) => epoch !== "0".repeat(16));
const extras = some({
  prev_sig: bytes(64),
  certificate_chain: text,
  priority: text,
  processing_hints: fc.array(text, { maxLength: 3 }),
  target_processors: text,
  retry_count: uint32,
  max_processing_time_ns: uint64,
  requires_acknowledgment: fc.constant(true),
  is_synthetic: fc.constant(true),
});

/** Random v2 envelopes that stand alone; their signatures are random bytes. */
export const madeEnvelope: fc.Arbitrary<MadeEnvelope> = fc
  .record({
    payload,
    agent: agentName,
    epoch: epochHex,
    sequence: fc.maxSafeInteger().filter((sequence) => sequence >= 1),
    tsNs: fc.bigInt({ min: 1n, max: (1n << 63n) - 1n }),
    sig: bytes(64),
    path: fc.option(fc.array(bytes(32), { minLength: 1, maxLength: 9 })),
    extras,
  })
  .map((made) => ({
    agent: made.agent,
    epoch: made.epoch,
    sequence: made.sequence,
    tsNs: made.tsNs,
    kind: made.payload.kind,
    message: {
      version: "2",
      ts_ns: long(made.tsNs),
      idempotency_key: `${made.epoch}.${made.sequence.toString(16).padStart(16, "0")}`,
      ...made.payload.fields,
      sig: made.sig,
      signing_algorithm: made.path ? "ed25519-v2-tree" : "ed25519-v2",
      agent: made.agent,
      epoch: long(BigInt(`0x${made.epoch}`)),
      sequence: long(BigInt(made.sequence)),
      ...(made.path ? { proof: { index: long(1n), size: long(500n), path: made.path } } : {}),
      ...made.extras,
    },
  }));

/** The message's bytes as protobufjs writes them: fields in ascending order. */
export function encode(made: MadeEnvelope): Uint8Array {
  return new Uint8Array(universalType.encode(made.message).finish());
}
