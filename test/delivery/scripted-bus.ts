// A real server of the transport room whose answers a test writes: what agents do about answers is tried over real
// HTTP/2 and TLS, and with answers that the real bus does not give.
import { create, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/core/clock.ts";
import { silentObserver } from "../../src/core/observer.ts";
import { type EnvelopeFacts, scanLeaf, scanUniversal, splitEnvelopes, splitTree } from "../../src/envelope/index.ts";
import { PublishEnvelopesResponseSchema, PublishTreeResponseSchema } from "../../src/gen/amoskys/v1/bus_pb.ts";
import { UniversalAck_Status as Status, UniversalAckSchema } from "../../src/gen/universal_telemetry_pb.ts";
import { type BusServer, CallRefusal, createBusServer, type EventMethod } from "../../src/transport/index.ts";
import type { TestAuthority } from "../support/certificates.ts";

/** One answer to one event. */
export interface Answer {
  readonly status: number;
  readonly code: string;
  readonly reason?: string;
}

/** One call that came in. */
export interface SeenCall {
  readonly method: EventMethod;
  readonly bytes: Uint8Array;
  readonly events: readonly EnvelopeFacts[];
}

/** Answers a call: one answer for each event, or a refusal as a gRPC status. */
export type Script = (call: SeenCall) => readonly Answer[] | CallRefusal | Promise<readonly Answer[] | CallRefusal>;

export interface ScriptedBus {
  readonly server: BusServer;
  readonly calls: SeenCall[];
  script: Script;
  hintMs: number;
  /** Sequences answered with OK, as often as they were. */
  readonly stored: number[];
}

export const stored: Answer = { status: Status.OK, code: "stored" };

export function refused(status: Status, code: string): Answer {
  return { status, code, reason: `because of ${code}` };
}

/** Answers every event of a call alike. */
export function always(answer: Answer): Script {
  return ({ events }) => events.map(() => answer);
}

function factsOf(method: EventMethod, bytes: Uint8Array): EnvelopeFacts[] {
  const scans =
    method === "PublishTree"
      ? leavesOf(bytes).map((leaf) => scanLeaf(leaf))
      : envelopesOf(method, bytes).map((envelope) => scanUniversal(envelope));
  return scans.map((scan) => {
    if (!scan.ok) throw new Error(`an agent sent what cannot be read: ${scan.reason}`);
    return scan.facts;
  });
}

function leavesOf(bytes: Uint8Array): Uint8Array[] {
  const tree = splitTree(bytes);
  if (!tree.ok) throw new Error(tree.reason);
  return tree.leaves;
}

function envelopesOf(method: EventMethod, bytes: Uint8Array): Uint8Array[] {
  if (method === "PublishTelemetry") return [bytes];
  const split = splitEnvelopes(bytes);
  if (!split.ok) throw new Error(split.reason);
  return split.envelopes;
}

function encode(method: EventMethod, answers: readonly Answer[], backoffHintMs: number): Uint8Array {
  const results = answers.map(({ status, code, reason = "" }) => ({ status, code, reason }));
  if (method === "PublishTelemetry") {
    return toBinary(UniversalAckSchema, create(UniversalAckSchema, { ...(results[0] as Answer), backoffHintMs }));
  }
  const schema = method === "PublishTree" ? PublishTreeResponseSchema : PublishEnvelopesResponseSchema;
  return toBinary(schema, create(schema, { results, backoffHintMs }));
}

/** Starts one on a free port of the loopback; stop its server afterwards. */
export async function startScriptedBus(authority: TestAuthority, port = 0): Promise<ScriptedBus> {
  const bus = { calls: [] as SeenCall[], script: always(stored) as Script, hintMs: 0, stored: [] as number[] };
  const unused = async (): Promise<never> => {
    throw new CallRefusal("UNIMPLEMENTED", "not scripted");
  };
  const server = createBusServer({
    host: "127.0.0.1",
    port,
    tls: authority.server(),
    observer: silentObserver,
    clock: systemClock,
    services: {
      getHealth: unused,
      getStatus: unused,
      // biome-ignore lint/correctness/useYield: nothing is streamed here
      async *subscribe() {
        throw new CallRefusal("UNIMPLEMENTED", "not scripted");
      },
    },
    async events(_peer, method, bytes) {
      const call = { method, bytes, events: factsOf(method, bytes) };
      bus.calls.push(call);
      const answers = await bus.script(call);
      if (answers instanceof CallRefusal) throw answers;
      answers.forEach(({ status }, i) => {
        if (status === Status.OK) bus.stored.push(call.events[i]?.sequence as number);
      });
      return encode(method, answers, bus.hintMs);
    },
  });
  await server.start();
  return Object.assign(bus, { server });
}
