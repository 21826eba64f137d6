import { create, toBinary } from "@bufbuild/protobuf";
import type { CollectedEvent } from "../../core/event.ts";
import { FlowEventSchema, ProcessEventSchema } from "../../gen/messaging_schema_pb.ts";
import { entityIdOf, ticksPerSecond } from "../../procfs/index.ts";
import { communityId } from "./community-id.ts";
import type { Draft, FlowDraft, ProcessDraft, Side } from "./draft.ts";

/** What stands where a real flow has the interface it was seen on. */
const interfaceName = "synthetic";
const ethernetHeaderBytes = 14;

function nsOf(us: number): bigint {
  return BigInt(us) * 1000n;
}

/** Bytes on the wire, as the flow agent counts them. */
function wireBytes({ ipBytes, packets }: Side): bigint {
  return BigInt(ipBytes + packets * ethernetHeaderBytes);
}

/** The event of a draft, marked as made up. It is made at `endUs`. */
export function encodeDraft(draft: Draft, endUs: number): CollectedEvent {
  const payload = draft.kind === "flow" ? flowPayload(draft, endUs) : processPayload(draft, endUs);
  return { kind: draft.kind, tsNs: nsOf(endUs), payload, synthetic: true };
}

function flowPayload(flow: FlowDraft, endUs: number): Uint8Array {
  const { source, target, sourcePort, targetPort, protocol, startUs, tx, rx, endReason } = flow;
  const [bytesTx, bytesRx] = [wireBytes(tx), wireBytes(rx)];
  const message = create(FlowEventSchema, {
    srcIp: source,
    dstIp: target,
    srcPort: sourcePort,
    dstPort: targetPort,
    protocol,
    proto: protocol,
    bytesSent: bytesTx,
    bytesRecv: bytesRx,
    bytesTx,
    bytesRx,
    flags: tx.flags | rx.flags,
    startTime: nsOf(startUs),
    endTime: nsOf(endUs),
    durationMs: Math.floor((endUs - startUs) / 1000),
    packetsTx: BigInt(tx.packets),
    packetsRx: BigInt(rx.packets),
    tcpFlagsTx: tx.flags,
    tcpFlagsRx: rx.flags,
    ipBytesTx: BigInt(tx.ipBytes),
    ipBytesRx: BigInt(rx.ipBytes),
    endReason,
    interface: interfaceName,
    communityId: communityId(flow),
  });
  return toBinary(FlowEventSchema, message);
}

function processPayload(process: ProcessDraft, endUs: number): Uint8Array {
  const { host, pid, ppid, uid, args } = process;
  const message = create(ProcessEventSchema, {
    pid: BigInt(pid),
    ppid: BigInt(ppid),
    exe: args[0],
    args: [...args],
    startTsNs: nsOf(endUs),
    uid,
    gid: uid,
    kind: "exec",
    source: "ebpf",
    entityId: entityIdOf(`synthetic ${host}`, pid, Math.floor((endUs / 1e6) * ticksPerSecond)),
  });
  return toBinary(ProcessEventSchema, message);
}
