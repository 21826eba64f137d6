import { decodePortless, decodeTransport } from "./decode-transport.ts";
import type { DecodedPacket } from "./decoded-packet.ts";
import { ipProtocols } from "./ip-protocol.ts";
import { outcomes } from "./other-frames.ts";

const ipv4HeaderBytes = 20;
const ipv6HeaderBytes = 40;

/** What it means that a header would reach `needEnd`, but the capture ends before: cut off, or never that long. */
function short(needEnd: number, wireEnd: number): number {
  return needEnd <= wireEnd ? outcomes.truncated : outcomes.malformed;
}

/**
 * Reads an IPv4 packet (RFC 791) at `at`; the capture ends at `end`, the frame ended at `wireEnd`. Answers an outcome.
 */
export function decodeIpv4(view: DataView, at: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (at + ipv4HeaderBytes > end) return short(at + ipv4HeaderBytes, wireEnd);
  const first = view.getInt32(at);
  const headerBytes = (first >>> 22) & 0x3c;
  if (first >>> 28 !== 4 || headerBytes < ipv4HeaderBytes) return outcomes.malformed;
  // 0: segmentation offload handed the capture a packet whose length was not filled in yet
  const stated = first & 0xffff;
  const ipBytes = stated === 0 ? wireEnd - at : stated;
  if (ipBytes < headerBytes) return outcomes.malformed;
  out.family = 4;
  out.ipBytes = ipBytes;
  out.src3 = view.getInt32(at + 12);
  out.dst3 = view.getInt32(at + 16);
  const protocol = view.getUint8(at + 9);
  if ((view.getUint16(at + 6) & 0x1fff) !== 0) {
    decodePortless(protocol, out);
    return outcomes.ip;
  }
  return decodePayload(view, at + headerBytes, end, at + ipBytes, wireEnd, protocol, out);
}

/** The transport header, within both the IP packet and the capture. */
function decodePayload(
  view: DataView,
  at: number,
  end: number,
  ipEnd: number,
  wireEnd: number,
  protocol: number,
  out: DecodedPacket,
): number {
  const missing = decodeTransport(view, at, Math.min(ipEnd, end), protocol, out);
  if (missing === 0) return outcomes.ip;
  return short(at + missing, Math.min(ipEnd, wireEnd));
}

/** Reads an IPv6 packet (RFC 8200) with its extension headers. Answers an outcome. */
export function decodeIpv6(view: DataView, at: number, end: number, wireEnd: number, out: DecodedPacket): number {
  if (at + ipv6HeaderBytes > end) return short(at + ipv6HeaderBytes, wireEnd);
  if (view.getUint8(at) >>> 4 !== 6) return outcomes.malformed;
  const stated = view.getUint16(at + 4);
  const protocol = view.getUint8(at + 6);
  // 0: segmentation offload, or a jumbogram (RFC 2675); 59 means that nothing follows
  const ipBytes = stated === 0 && protocol !== 59 ? wireEnd - at : ipv6HeaderBytes + stated;
  if (ipBytes < ipv6HeaderBytes) return outcomes.malformed;
  out.family = 6;
  out.ipBytes = ipBytes;
  out.src0 = view.getInt32(at + 8);
  out.src1 = view.getInt32(at + 12);
  out.src2 = view.getInt32(at + 16);
  out.src3 = view.getInt32(at + 20);
  out.dst0 = view.getInt32(at + 24);
  out.dst1 = view.getInt32(at + 28);
  out.dst2 = view.getInt32(at + 32);
  out.dst3 = view.getInt32(at + 36);
  return decodeExtensions(view, at + ipv6HeaderBytes, end, at + ipBytes, wireEnd, protocol, out);
}

/** Walks the extension headers (RFC 8200 section 4, RFC 4302) up to what they carry. */
function decodeExtensions(
  view: DataView,
  first: number,
  end: number,
  ipEnd: number,
  wireEnd: number,
  firstProtocol: number,
  out: DecodedPacket,
): number {
  let at = first;
  let protocol = firstProtocol;
  while (
    protocol === ipProtocols.hopByHop ||
    protocol === ipProtocols.routing ||
    protocol === ipProtocols.destinationOptions ||
    protocol === ipProtocols.fragment ||
    protocol === ipProtocols.authentication
  ) {
    if (at + 8 > Math.min(ipEnd, end)) return short(at + 8, Math.min(ipEnd, wireEnd));
    const next = view.getUint8(at);
    if (protocol === ipProtocols.fragment) {
      if ((view.getUint16(at + 2) & 0xfff8) !== 0) {
        decodePortless(next, out);
        return outcomes.ip;
      }
      at += 8;
    } else if (protocol === ipProtocols.authentication) {
      at += (view.getUint8(at + 1) + 2) << 2;
    } else {
      at += (view.getUint8(at + 1) + 1) << 3;
    }
    protocol = next;
  }
  return decodePayload(view, at, end, ipEnd, wireEnd, protocol, out);
}
