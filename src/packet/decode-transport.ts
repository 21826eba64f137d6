import type { DecodedPacket } from "./decoded-packet.ts";
import { icmpCounterparts, icmpv6Counterparts } from "./icmp-counterparts.ts";
import { ipProtocols, tcpFlags } from "./ip-protocol.ts";

/** Notes that there are no ports: another protocol, or a later fragment. */
export function decodePortless(protocol: number, out: DecodedPacket): void {
  out.protocol = protocol;
  out.hasPorts = false;
  out.srcPort = 0;
  out.dstPort = 0;
  out.tcpFlags = 0;
}

/**
 * Reads the ports behind the IP header. `at` is where the transport header begins, `end` where the capture ends.
 * Answers 0, or how many bytes of the header would have to be there.
 */
export function decodeTransport(view: DataView, at: number, end: number, protocol: number, out: DecodedPacket): number {
  if (protocol === ipProtocols.tcp) return decodeTcp(view, at, end, out);
  if (
    protocol === ipProtocols.udp ||
    protocol === ipProtocols.sctp ||
    protocol === ipProtocols.udpLite ||
    protocol === ipProtocols.dccp
  ) {
    if (at + 4 > end) return 4;
    const ports = view.getInt32(at);
    out.protocol = protocol;
    out.hasPorts = true;
    out.srcPort = ports >>> 16;
    out.dstPort = ports & 0xffff;
    out.tcpFlags = 0;
    return 0;
  }
  if (protocol === ipProtocols.icmp && out.family === 4) return decodeIcmp(view, at, end, icmpCounterparts, out);
  if (protocol === ipProtocols.icmpv6 && out.family === 6) return decodeIcmp(view, at, end, icmpv6Counterparts, out);
  decodePortless(protocol, out);
  return 0;
}

function decodeTcp(view: DataView, at: number, end: number, out: DecodedPacket): number {
  if (at + 4 > end) return 4;
  const ports = view.getInt32(at);
  out.protocol = ipProtocols.tcp;
  out.hasPorts = true;
  out.srcPort = ports >>> 16;
  out.dstPort = ports & 0xffff;
  if (at + 14 > end) {
    out.tcpFlags = 0;
    return 0;
  }
  const flags = view.getUint8(at + 13);
  out.tcpFlags = flags;
  if ((flags & tcpFlags.syn) !== 0) out.tcpSequence = view.getInt32(at + 4);
  return 0;
}

/** ICMP as ports: type and the type that answers it, or type and code where none does. */
function decodeIcmp(view: DataView, at: number, end: number, counterparts: Int16Array, out: DecodedPacket): number {
  if (at + 2 > end) return 2;
  const type = view.getUint8(at);
  const counterpart = counterparts[type] as number;
  out.protocol = counterparts === icmpCounterparts ? ipProtocols.icmp : ipProtocols.icmpv6;
  out.hasPorts = true;
  out.srcPort = type;
  out.dstPort = counterpart === -1 ? view.getUint8(at + 1) : counterpart;
  out.tcpFlags = 0;
  return 0;
}
