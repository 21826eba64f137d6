import type { FlowDraft, Side } from "./draft.ts";
import type { Random } from "./random.ts";

/** TCP flags as in the header (RFC 9293, 3.1). */
export const tcpFlags = { fin: 1, syn: 2, rst: 4, push: 8, ack: 16 } as const;

/** Data in a full segment: MTU 1500 less IPv4 and TCP headers with timestamps. */
const segmentBytes = 1448;
const tcpHeadersBytes = 52;
const udpHeadersBytes = 28;
/** The default of `flow.active_timeout_s`, where a long flow is cut into events. */
const activeTimeoutUs = 300_000_000;

/** Who talks to whom. */
export interface Ends {
  readonly source: string;
  readonly target: string;
  readonly targetPort: number;
}

interface Volume {
  readonly startUs: number;
  readonly durationUs: number;
  /** Of the applications, in either direction. */
  readonly txBytes: number;
  readonly rxBytes: number;
}

/** A port of those that Linux gives to clients (net.ipv4.ip_local_port_range). */
export function clientPort(random: Random): number {
  return random.whole(32_768, 60_999);
}

/** One question and one answer. */
export function udpExchange(random: Random, ends: Ends, volume: Volume): FlowDraft {
  return {
    kind: "flow",
    ...ends,
    sourcePort: clientPort(random),
    protocol: "UDP",
    startUs: Math.round(volume.startUs),
    endUs: Math.round(volume.startUs + volume.durationUs),
    tx: { packets: 1, ipBytes: udpHeadersBytes + Math.round(volume.txBytes), flags: 0 },
    rx: { packets: 1, ipBytes: udpHeadersBytes + Math.round(volume.rxBytes), flags: 0 },
    endReason: "idle",
  };
}

/** Packets that carry `bytes`, or else acknowledge every other packet of the other side. */
function dataPackets(bytes: number, otherBytes: number): number {
  return Math.max(Math.ceil(bytes / segmentBytes), Math.ceil(otherBytes / segmentBytes / 2));
}

function tcpSide(bytes: number, otherBytes: number, further: { packets: number; flags: number }): Side {
  const packets = dataPackets(bytes, otherBytes) + further.packets;
  const { push, ack } = tcpFlags;
  return { packets, ipBytes: bytes + packets * tcpHeadersBytes, flags: ack | (bytes > 0 ? push : 0) | further.flags };
}

/** A whole TCP connection, closed by both sides; a long one is cut at the active timeout, as the flow agent does it. */
export function tcpConnection(random: Random, ends: Ends, volume: Volume): FlowDraft[] {
  const sourcePort = clientPort(random);
  const startUs = Math.round(volume.startUs);
  const endUs = Math.round(volume.startUs + volume.durationUs);
  const parts = Math.max(1, Math.ceil((endUs - startUs) / activeTimeoutUs));
  const { syn, fin } = tcpFlags;
  return Array.from({ length: parts }, (_, part) => {
    const isFirst = part === 0;
    const isLast = part === parts - 1;
    const further = {
      packets: (isFirst ? 2 : 0) + (isLast ? 1 : 0),
      flags: (isFirst ? syn : 0) | (isLast ? fin : 0),
    };
    const txBytes = Math.round(volume.txBytes / parts);
    const rxBytes = Math.round(volume.rxBytes / parts);
    return {
      kind: "flow",
      ...ends,
      sourcePort,
      protocol: "TCP",
      startUs: startUs + part * activeTimeoutUs,
      endUs: isLast ? endUs : startUs + (part + 1) * activeTimeoutUs,
      tx: tcpSide(txBytes, rxBytes, further),
      rx: tcpSide(rxBytes, txBytes, { ...further, packets: Math.max(further.packets - 1, 0) }),
      endReason: isLast ? "fin" : "active",
    };
  });
}
