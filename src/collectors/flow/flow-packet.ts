import type { DecodedPacket } from "../../packet/index.ts";
import { metaWord } from "./flow-meta.ts";
import { hashWord } from "./hash-tables.ts";

/**
 * A packet as the flow table wants it, in an object that is used again: the key of its flow, and what is counted. The
 * key is the same for both directions: of the two endpoints, A is the one that is smaller by address, then port.
 */
export class FlowPacket {
  /** Address words of endpoint A and B in network order; an IPv4 address is the last word, the others are undefined. */
  a0 = 0;
  a1 = 0;
  a2 = 0;
  a3 = 0;
  b0 = 0;
  b1 = 0;
  b2 = 0;
  b3 = 0;
  /** Port of A in the upper, of B in the lower half. */
  ports = 0;
  /** Protocol, family, whether there are ports, VLAN. */
  meta = 0;
  family = 0;
  interfaceIndex = 0;
  /** Of all of the above, all bits equally good. */
  hash = 0;
  /** 0 where A sent it, 1 where B did. */
  direction = 0;
  tcpFlags = 0;
  tcpSequence = 0;
  ipBytes = 0;
  wireLength = 0;
  sec = 0;
  nsec = 0;
  readonly #tables: Int32Array;

  /** `tables` make the hash (createHashTables). */
  constructor(tables: Int32Array) {
    this.#tables = tables;
  }

  /** Takes the key and the facts out of a decoded packet; the rest is for the caller to set. */
  take(packet: DecodedPacket, interfaceIndex: number, vlanId: number): void {
    const { family, src3, dst3, srcPort, dstPort } = packet;
    const is4 = family === 4;
    const fromA = is4 ? src3 < dst3 || (src3 === dst3 && srcPort <= dstPort) : isFromA6(packet);
    const a3 = fromA ? src3 : dst3;
    const b3 = fromA ? dst3 : src3;
    const ports = fromA ? (srcPort << 16) | dstPort : (dstPort << 16) | srcPort;
    const meta = metaWord(packet.protocol, family, packet.hasPorts, vlanId);
    this.family = family;
    this.interfaceIndex = interfaceIndex;
    this.meta = meta;
    this.a3 = a3;
    this.b3 = b3;
    this.ports = ports;
    this.direction = fromA ? 0 : 1;
    this.tcpFlags = packet.tcpFlags;
    this.tcpSequence = packet.tcpSequence;
    this.ipBytes = packet.ipBytes;
    const t = this.#tables;
    // written out for all words but IPv6's: a call for each would take longer than the rest
    this.hash =
      (t[a3 & 255] as number) ^
      (t[256 + ((a3 >>> 8) & 255)] as number) ^
      (t[512 + ((a3 >>> 16) & 255)] as number) ^
      (t[768 + (a3 >>> 24)] as number) ^
      (t[1024 + (b3 & 255)] as number) ^
      (t[1280 + ((b3 >>> 8) & 255)] as number) ^
      (t[1536 + ((b3 >>> 16) & 255)] as number) ^
      (t[1792 + (b3 >>> 24)] as number) ^
      (t[2048 + (ports & 255)] as number) ^
      (t[2304 + ((ports >>> 8) & 255)] as number) ^
      (t[2560 + ((ports >>> 16) & 255)] as number) ^
      (t[2816 + (ports >>> 24)] as number) ^
      (t[3072 + (meta & 255)] as number) ^
      (t[3328 + ((meta >>> 8) & 255)] as number) ^
      (t[3584 + ((meta >>> 16) & 255)] as number) ^
      (t[3840 + ((interfaceIndex ^ (interfaceIndex >>> 8)) & 255)] as number);
    if (!is4) this.#takePrefixes(packet, fromA);
  }

  #takePrefixes(packet: DecodedPacket, fromA: boolean): void {
    this.a0 = fromA ? packet.src0 : packet.dst0;
    this.a1 = fromA ? packet.src1 : packet.dst1;
    this.a2 = fromA ? packet.src2 : packet.dst2;
    this.b0 = fromA ? packet.dst0 : packet.src0;
    this.b1 = fromA ? packet.dst1 : packet.src1;
    this.b2 = fromA ? packet.dst2 : packet.src2;
    const t = this.#tables;
    this.hash ^= hashWord(t, 16, this.a0) ^ hashWord(t, 20, this.a1) ^ hashWord(t, 24, this.a2);
    this.hash ^= hashWord(t, 28, this.b0) ^ hashWord(t, 32, this.b1) ^ hashWord(t, 36, this.b2);
  }
}

function isFromA6(packet: DecodedPacket): boolean {
  if (packet.src0 !== packet.dst0) return packet.src0 < packet.dst0;
  if (packet.src1 !== packet.dst1) return packet.src1 < packet.dst1;
  if (packet.src2 !== packet.dst2) return packet.src2 < packet.dst2;
  if (packet.src3 !== packet.dst3) return packet.src3 < packet.dst3;
  return packet.srcPort <= packet.dstPort;
}
