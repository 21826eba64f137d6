import { decodeIpv4, decodeIpv6 } from "./decode-ip.ts";
import type { DecodedPacket } from "./decoded-packet.ts";
import { etherTypes, nonIpEtherTypes } from "./ether-types.ts";
import { ipProtocols, tcpFlags } from "./ip-protocol.ts";
import { linkTypes } from "./link-types.ts";
import { outcomes } from "./other-frames.ts";

/** Ethernet, IPv4 and TCP headers without options. */
const plainBytes = 54;
/** EtherType 0x0800, then version 4 and five words of header. */
const plainStart = 0x080045;

/**
 * Reads a frame in place: `capturedLength` bytes at `offset` of what the view shows, of a frame that was `wireLength`
 * long. Answers whether it is an IP packet whose endpoints are known; otherwise `out.outcome` says why not. Reads only
 * inside the capture, allocates nothing, and its time is bounded by the captured length. Tunnels are not entered: what
 * counts is the outermost IP packet.
 */
export function decodeFrame(
  view: DataView,
  offset: number,
  capturedLength: number,
  wireLength: number,
  linkType: number,
  out: DecodedPacket,
): boolean {
  if (linkType === linkTypes.ethernet && decodePlain(view, offset, capturedLength, out)) return true;
  const end = offset + capturedLength;
  const wireEnd = offset + Math.max(wireLength, capturedLength);
  out.vlanId = 0;
  const outcome =
    linkType === linkTypes.ethernet
      ? decodeTyped(view, offset + 12, end, wireEnd, out)
      : decodeOtherLink(view, offset, end, wireEnd, linkType, out);
  out.outcome = outcome;
  return outcome === outcomes.ip;
}

/**
 * What most frames are: Ethernet, IPv4 without options and whole, TCP or UDP. Answers false, having said nothing yet,
 * for all others.
 */
function decodePlain(view: DataView, offset: number, capturedLength: number, out: DecodedPacket): boolean {
  if (capturedLength < plainBytes || view.getUint32(offset + 12) >>> 8 !== plainStart) return false;
  const ipBytes = view.getUint16(offset + 16);
  const protocol = view.getUint8(offset + 23);
  const isTcp = protocol === ipProtocols.tcp;
  if (!isTcp && protocol !== ipProtocols.udp) return false;
  if (ipBytes < (isTcp ? 40 : 28) || (view.getUint16(offset + 20) & 0x1fff) !== 0) return false;
  const ports = view.getInt32(offset + 34);
  const flags = isTcp ? view.getUint8(offset + 47) : 0;
  out.outcome = outcomes.ip;
  out.vlanId = 0;
  out.family = 4;
  out.ipBytes = ipBytes;
  out.protocol = protocol;
  out.src3 = view.getInt32(offset + 26);
  out.dst3 = view.getInt32(offset + 30);
  out.hasPorts = true;
  out.srcPort = ports >>> 16;
  out.dstPort = ports & 0xffff;
  out.tcpFlags = flags;
  if ((flags & tcpFlags.syn) !== 0) out.tcpSequence = view.getInt32(offset + 38);
  return true;
}

function cutShort(needEnd: number, wireEnd: number): number {
  return needEnd <= wireEnd ? outcomes.truncated : outcomes.malformed;
}

/** What begins with an EtherType: the end of an Ethernet header, or of a cooked one. */
function decodeTyped(view: DataView, typeAt: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (typeAt + 2 > end) return cutShort(typeAt + 2, wireEnd);
  return decodeNetwork(view, view.getUint16(typeAt), typeAt + 2, end, wireEnd, out);
}

/** The network layer at `at`, of a type that was read already. Goes through VLAN tags. */
function decodeNetwork(
  view: DataView,
  type: number,
  networkAt: number,
  end: number,
  wireEnd: number,
  out: DecodedPacket,
): number {
  let etherType = type;
  let at = networkAt;
  while (
    etherType === etherTypes.vlan ||
    etherType === etherTypes.serviceVlan ||
    etherType === etherTypes.oldServiceVlan
  ) {
    if (at + 4 > end) return cutShort(at + 4, wireEnd);
    if (out.vlanId === 0) out.vlanId = view.getUint16(at) & 0x0fff;
    etherType = view.getUint16(at + 2);
    at += 4;
  }
  if (etherType === etherTypes.ipv4) return decodeIpv4(view, at, end, wireEnd, out);
  if (etherType === etherTypes.ipv6) return decodeIpv6(view, at, end, wireEnd, out);
  if (etherType === etherTypes.pppoe) return decodePpp(view, at + 6, end, wireEnd, out);
  if (etherType === etherTypes.mpls) return decodeMpls(view, at, end, wireEnd, out);
  if (etherType < etherTypes.smallest) return decodeLengthField(view, at, end, wireEnd, out);
  return otherNetwork(etherType);
}

/**
 * Behind the last label (RFC 3032) comes what both ends know; IP shows by its version, and is all that is looked for.
 */
function decodeMpls(view: DataView, first: number, end: number, wireEnd: number, out: DecodedPacket): number {
  let at = first;
  for (let isLast = false; !isLast; at += 4) {
    if (at + 5 > end) return cutShort(at + 5, wireEnd);
    isLast = (view.getUint8(at + 2) & 1) === 1;
  }
  const version = view.getUint8(at) >>> 4;
  if (version === 4) return decodeIpv4(view, at, end, wireEnd, out);
  return version === 6 ? decodeIpv6(view, at, end, wireEnd, out) : outcomes.nonIp;
}

function otherNetwork(etherType: number): number {
  if (etherType === etherTypes.arp) return outcomes.arp;
  if (etherType === etherTypes.lldp) return outcomes.lldp;
  return nonIpEtherTypes.has(etherType) ? outcomes.nonIp : outcomes.unknownEthertype;
}

/** 802.3 with LLC; a SNAP header with the zero organization (RFC 1042) holds an EtherType after all. */
function decodeLengthField(view: DataView, at: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (at + 8 > end || view.getUint32(at) !== 0xaaaa0300 || view.getUint16(at + 4) !== 0) return outcomes.lengthField;
  const etherType = view.getUint16(at + 6);
  if (etherType === etherTypes.ipv4) return decodeIpv4(view, at + 8, end, wireEnd, out);
  if (etherType === etherTypes.ipv6) return decodeIpv6(view, at + 8, end, wireEnd, out);
  return etherType < etherTypes.smallest ? outcomes.lengthField : otherNetwork(etherType);
}

function decodeOtherLink(
  view: DataView,
  at: number,
  end: number,
  wireEnd: number,
  linkType: number,
  out: DecodedPacket,
): number {
  switch (linkType) {
    case linkTypes.raw:
    case linkTypes.rawDlt:
    case linkTypes.rawOpenBsd:
    case linkTypes.ipv4:
    case linkTypes.ipv6:
      return decodeRaw(view, at, end, wireEnd, out);
    case linkTypes.linuxSll:
      return decodeTyped(view, at + 14, end, wireEnd, out);
    case linkTypes.linuxSll2:
      return decodeCooked2(view, at, end, wireEnd, out);
    case linkTypes.null:
    case linkTypes.loop:
      return decodeLoopback(view, at, end, wireEnd, out);
    case linkTypes.ppp:
      return decodePpp(view, at, end, wireEnd, out);
    default:
      return outcomes.linkType;
  }
}

/** An IP packet without a link layer: its version field tells which. */
function decodeRaw(view: DataView, at: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (at + 1 > end) return cutShort(at + 1, wireEnd);
  const version = view.getUint8(at) >>> 4;
  if (version === 4) return decodeIpv4(view, at, end, wireEnd, out);
  if (version === 6) return decodeIpv6(view, at, end, wireEnd, out);
  return outcomes.malformed;
}

/** LINKTYPE_LINUX_SLL2: the protocol comes first, the payload behind 20 bytes. */
function decodeCooked2(view: DataView, at: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (at + 20 > end) return cutShort(at + 20, wireEnd);
  return decodeNetwork(view, view.getUint16(at), at + 20, end, wireEnd, out);
}

/**
 * LINKTYPE_NULL and LINKTYPE_LOOP: an address family in front, in the byte order of who wrote it. AF_INET is 2
 * everywhere; AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
 */
function decodeLoopback(view: DataView, at: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (at + 4 > end) return cutShort(at + 4, wireEnd);
  const big = view.getUint32(at);
  const family = big > 0xffff ? view.getUint32(at, true) : big;
  if (family === 2) return decodeIpv4(view, at + 4, end, wireEnd, out);
  if (family === 10 || family === 24 || family === 28 || family === 30) {
    return decodeIpv6(view, at + 4, end, wireEnd, out);
  }
  return outcomes.nonIp;
}

/** PPP (RFC 1661, 1662): address and control may be left out, and the protocol may be one byte. */
function decodePpp(view: DataView, first: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (first + 4 > end) return cutShort(first + 4, wireEnd);
  let at = view.getUint16(first) === 0xff03 ? first + 2 : first;
  let protocol = view.getUint8(at);
  at += 1;
  if ((protocol & 1) === 0) {
    protocol = (protocol << 8) | view.getUint8(at);
    at += 1;
  }
  if (protocol === 0x21) return decodeIpv4(view, at, end, wireEnd, out);
  if (protocol === 0x57) return decodeIpv6(view, at, end, wireEnd, out);
  return outcomes.nonIp;
}
