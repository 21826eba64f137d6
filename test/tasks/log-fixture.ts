import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { blake2b256 } from "../../src/core/hashes.ts";
import { type LeafBody, type Signer, sealGroup, standaloneEnvelope } from "../../src/envelope/index.ts";
import { FlowEventSchema } from "../../src/gen/messaging_schema_pb.ts";
import { type AppendBatch, type Log, openLog, type RangeChange, type SourceKey } from "../../src/wal/index.ts";
import { createTestSigner } from "../envelope/keys.ts";
import { fromHex, vectors } from "../envelope/vectors.ts";

/** The agents of these logs; the first one is in the trust map. */
export const signers = {
  agent: createTestSigner("agent", fromHex(vectors.seed)),
  other: createTestSigner("other", fromHex(vectors.seed).toReversed()),
};

const epoch = "0123456789abcdef";
const startNs = 1_700_000_000_000_000_000n;

/** A folder of its own, with a trust map that knows `agent`. */
export function createFolder(): { dir: string; trustPath: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), "amoskys-tasks-"));
  const trustPath = join(dir, "trust_map.yaml");
  writeFileSync(join(dir, "agent.ed25519.pub"), vectors.public_key_pem);
  writeFileSync(trustPath, "agents:\n  agent:\n    public_key_path: agent.ed25519.pub\n    permissions: [publish]\n");
  return { dir, trustPath, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** The payload of a flow from port 40,000 + n. */
export function flowPayload(n: number): Uint8Array {
  const flow = create(FlowEventSchema, {
    srcIp: "10.0.0.1",
    dstIp: "10.0.0.2",
    srcPort: 40_000 + n,
    dstPort: 443,
    protocol: "TCP",
    bytesTx: 1000n,
    bytesRx: 2000n,
    startTime: startNs,
    endTime: startNs + 1_000_000_000n,
  });
  return toBinary(FlowEventSchema, flow);
}

/** Writes a log as agents and the bus do: groups in a row, chained; what is left out leaves a hole. */
export class LogWriterFixture {
  readonly log: Log;
  readonly #signer: Signer;
  readonly #source: SourceKey;
  #next = 1;
  #lastSig: Uint8Array = new Uint8Array();

  constructor(path: string, options: { role?: "agent" | "bus"; signer?: Signer; epoch?: string; log?: Log } = {}) {
    const { role = "agent", signer = signers.agent } = options;
    this.log = options.log ?? openLog({ path, role, budgetBytes: 1 << 28 });
    this.#signer = signer;
    this.#source = { agent: signer.agent, epoch: options.epoch ?? epoch };
  }

  get next(): number {
    return this.#next;
  }

  /** Seals and appends a group of flows. */
  flows(size: number): void {
    this.group(Array.from({ length: size }, (_, i) => ({ kind: "flow", payload: flowPayload(this.#next + i) })));
  }

  /** Seals and appends a group; with `alone`, each leaf as an envelope of its own, without a group. */
  group(bodies: readonly LeafBody[], options: { alone?: boolean; ranges?: RangeChange[] } = {}): void {
    const firstSequence = this.#next;
    const leaves = bodies.map((body, i) => ({ tsNs: startNs + BigInt(firstSequence + i), body }));
    const group = sealGroup({ epoch: this.#source.epoch, firstSequence, prevSig: this.#lastSig, leaves }, this.#signer);
    const { sig, prevSig } = group;
    this.#next += bodies.length;
    this.#lastSig = sig;
    const batch: AppendBatch = {
      groups: options.alone ? [] : [{ source: this.#source, firstSequence, size: bodies.length, sig, prevSig }],
      records: bodies.map((body, i) => ({
        source: this.#source,
        sequence: firstSequence + i,
        tsNs: startNs + BigInt(firstSequence + i),
        receivedNs: startNs + 5n,
        kind: body.kind,
        form: options.alone ? "universal" : "leaf",
        trust: "verified",
        state: options.alone ? "settled" : "pending",
        bytes: options.alone ? standaloneEnvelope(group, i) : (group.leaves[i] as Uint8Array),
        group: options.alone ? undefined : 0,
      })),
      heads: [{ source: this.#source, highest: this.#next - 1, lastSig: this.#lastSig }],
      ranges: options.ranges ?? [],
    };
    this.log.append(batch);
  }

  /** Leaves sequences out that were never sealed. */
  burn(count: number): void {
    this.#next += count;
  }

  range(first: number, last: number, reason: RangeChange["reason"]): RangeChange {
    return { source: this.#source, op: "add", first, last, reason, sinceMs: 1 };
  }

  /** Appends an envelope of an earlier agent. */
  legacy(key: string, bytes: Uint8Array, judged: Uint8Array, trust: "signed_legacy" | "unsigned", tsNs: bigint): void {
    this.log.append({
      groups: [],
      records: [
        {
          source: { agent: this.#signer.agent, epoch: "" },
          sequence: 0,
          legacyKey: key,
          judgedDigest: blake2b256(judged),
          tsNs,
          receivedNs: startNs,
          kind: "flow",
          form: "envelope",
          trust,
          state: "settled",
          bytes,
        },
      ],
      heads: [],
      ranges: [],
    });
  }
}
