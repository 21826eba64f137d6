import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DecodedPacket, decodeFrame, linkTypes, otherFrameReasons } from "../../src/packet/index.ts";
import {
  bytes,
  ethernet,
  extension,
  icmp,
  ipv4,
  ipv4Bytes,
  ipv6,
  ipv6Bytes,
  ipv6Fragment,
  tcp,
  u16,
  u32,
  udp,
  vlanTag,
} from "./build-frame.ts";

function decode(frame: Uint8Array, linkType: number = linkTypes.ethernet, wireLength = frame.length): DecodedPacket {
  const out = new DecodedPacket();
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const isIp = decodeFrame(view, 0, frame.length, wireLength, linkType, out);
  expect(isIp).toBe(out.outcome === 0);
  return out;
}

function reasonOf(packet: DecodedPacket): string {
  return packet.outcome === 0 ? "ip" : (otherFrameReasons[packet.outcome - 1] as string);
}

/** What counts of a packet, with the address words of the other family left out. */
function facts(p: DecodedPacket): Record<string, unknown> {
  if (p.outcome !== 0) return { outcome: reasonOf(p), vlanId: p.vlanId };
  const prefix = p.family === 6 ? [p.src0, p.src1, p.src2, p.dst0, p.dst1, p.dst2] : [];
  const { family, protocol, hasPorts, srcPort, dstPort, ipBytes, tcpFlags, vlanId } = p;
  return {
    addresses: [...prefix, p.src3, p.dst3],
    ...{ family, protocol, hasPorts, srcPort, dstPort, ipBytes, tcpFlags, vlanId },
    sequence: (tcpFlags & 2) === 0 ? 0 : p.tcpSequence,
  };
}

function word(octets: readonly number[], at = 0): number {
  return new DataView(Uint8Array.from(octets).buffer).getInt32(at);
}

const segment = tcp(40_000, 443, { flags: 0x12, sequence: 0x89abcdef }, bytes(1, 2, 3));
const packet4 = ipv4({ protocol: 6, src: "192.0.2.200", dst: "198.51.100.7" }, segment);
const packet6 = ipv6({ next: 6, src: "fe80::1", dst: "2001:db8:1:2:3:4:5:6" }, segment);

describe("decodeFrame", () => {
  test("reads addresses, ports, lengths and flags of TCP in IPv4", () => {
    const p = decode(ethernet(0x0800, packet4), linkTypes.ethernet, 100);
    expect(reasonOf(p)).toBe("ip");
    expect([p.family, p.protocol, p.srcPort, p.dstPort]).toEqual([4, 6, 40_000, 443]);
    expect([p.src3, p.dst3]).toEqual([word(ipv4Bytes("192.0.2.200")), word(ipv4Bytes("198.51.100.7"))]);
    expect([p.ipBytes, p.tcpFlags, p.tcpSequence]).toEqual([43, 0x12, 0x89abcdef | 0]);
    expect(p.hasPorts).toBe(true);
  });

  test("reads addresses of IPv6", () => {
    const p = decode(ethernet(0x86dd, packet6));
    const dst = ipv6Bytes("2001:db8:1:2:3:4:5:6");
    expect([p.dst0, p.dst1, p.dst2, p.dst3]).toEqual([0, 4, 8, 12].map((at) => word(dst, at)));
    expect([p.src0, p.src1, p.src2, p.src3]).toEqual([0xfe800000 | 0, 0, 0, 1]);
    expect([p.family, p.ipBytes, p.srcPort, p.tcpFlags]).toEqual([6, 63, 40_000, 0x12]);
  });

  const wrapped: readonly [string, number, (inner: Uint8Array, etherType: number) => Uint8Array][] = [
    ["raw", 101, (inner) => inner],
    ["raw by DLT", 12, (inner) => inner],
    ["raw on OpenBSD", 14, (inner) => inner],
    ["ipv4", 228, (inner) => inner],
    ["ipv6", 229, (inner) => inner],
    ["Linux cooked", 113, (inner, type) => bytes(new Uint8Array(14), u16(type), inner)],
    ["Linux cooked 2", 276, (inner, type) => bytes(u16(type), new Uint8Array(18), inner)],
    ["Linux cooked with a VLAN", 113, (i, t) => bytes(new Uint8Array(14), u16(0x8100), vlanTag(0, t, i))],
    ["Linux cooked 2 with a VLAN", 276, (i, t) => bytes(u16(0x8100), new Uint8Array(18), vlanTag(0, t, i))],
    ["null, big endian", 0, (inner, type) => bytes(u32(type === 0x800 ? 2 : 30), inner)],
    ["null, little endian", 0, (inner, type) => bytes(u32(type === 0x800 ? 2 : 30).reverse(), inner)],
    ["null of Linux", 0, (inner, type) => bytes(u32(type === 0x800 ? 2 : 10).reverse(), inner)],
    ["loop", 108, (inner, type) => bytes(u32(type === 0x800 ? 2 : 24), inner)],
    ["PPP", 9, (inner, type) => bytes(0xff, 3, u16(type === 0x800 ? 0x21 : 0x57), inner)],
    ["PPP without address and control", 9, (inner, type) => bytes(u16(type === 0x800 ? 0x21 : 0x57), inner)],
    ["PPP with a short protocol", 9, (inner, type) => bytes(type === 0x800 ? 0x21 : 0x57, inner)],
    ["MPLS", 1, (i) => ethernet(0x8847, bytes(0, 1, 0, 64, 0, 2, 1, 64, i))],
    [
      "PPPoE",
      1,
      (i, t) => ethernet(0x8864, bytes(0x11, 0, u16(7), u16(i.length + 2), u16(t === 0x800 ? 0x21 : 0x57), i)),
    ],
    ["SNAP", 1, (i, t) => ethernet(8 + i.length, bytes(0xaa, 0xaa, 3, 0, 0, 0, u16(t), i))],
  ];
  test.each(wrapped)("reads the same packets from link type %s", (_name, linkType, wrap) => {
    expect(facts(decode(wrap(packet4, 0x0800), linkType))).toEqual(facts(decode(ethernet(0x0800, packet4))));
    expect(facts(decode(wrap(packet6, 0x86dd), linkType))).toEqual(facts(decode(ethernet(0x86dd, packet6))));
  });

  test("reads plain Ethernet frames as it reads all others", () => {
    // the same IP packet without the short cut for Ethernet
    const property = fc.property(
      fc.constantFrom(6, 17, 1, 47, 132),
      fc.uint8Array({ minLength: 20, maxLength: 60 }),
      fc.nat(0xffff),
      fc.nat(80),
      (protocol, payload, fragment, stated) => {
        const packet = ipv4({ protocol, fragment, stated }, payload);
        expect(facts(decode(ethernet(0x0800, packet)))).toEqual(facts(decode(packet, linkTypes.raw)));
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  test("takes the outermost VLAN that is not 0", () => {
    const inner = vlanTag(7, 0x0800, packet4);
    expect(decode(ethernet(0x8100, inner)).vlanId).toBe(7);
    expect(decode(ethernet(0x88a8, vlanTag(0x3064, 0x8100, inner))).vlanId).toBe(100);
    expect(decode(ethernet(0x9100, vlanTag(0xe000, 0x8100, inner))).vlanId).toBe(7);
    expect(decode(ethernet(0x0800, packet4)).vlanId).toBe(0);
  });

  test("skips IPv4 options", () => {
    const p = decode(ethernet(0x0800, ipv4({ protocol: 17, options: [7, 4, 0, 0, 1, 1, 1, 0] }, udp(53, 5353))));
    expect([p.protocol, p.srcPort, p.dstPort]).toEqual([17, 53, 5353]);
  });

  test("finds ports in a first fragment only", () => {
    const first = decode(ethernet(0x0800, ipv4({ protocol: 17, fragment: 0x2000 }, udp(1, 2))));
    const later = decode(ethernet(0x0800, ipv4({ protocol: 17, fragment: 0x0003 }, udp(1, 2))));
    expect([first.hasPorts, first.srcPort]).toEqual([true, 1]);
    expect([later.outcome, later.hasPorts, later.protocol, later.srcPort]).toEqual([0, false, 17, 0]);
    const first6 = decode(ethernet(0x86dd, ipv6({ next: 44 }, ipv6Fragment(17, 0, true, udp(1, 2)))));
    const later6 = decode(ethernet(0x86dd, ipv6({ next: 44 }, ipv6Fragment(17, 9, false, udp(1, 2)))));
    expect([first6.hasPorts, first6.srcPort]).toEqual([true, 1]);
    expect([later6.outcome, later6.hasPorts, later6.protocol]).toEqual([0, false, 17]);
  });

  test("walks IPv6 extension headers", () => {
    const authentication = bytes(60, 4, new Uint8Array(22), extension(6, 1, segment));
    const p = decode(ethernet(0x86dd, ipv6({ next: 0 }, extension(43, 1, extension(51, 3, authentication)))));
    expect([reasonOf(p), p.protocol, p.srcPort, p.dstPort]).toEqual(["ip", 6, 40_000, 443]);
    expect(decode(ethernet(0x86dd, ipv6({ next: 59 }, bytes()))).protocol).toBe(59);
  });

  test("gives ICMP its type and the type that answers it, or the code", () => {
    const ports = (type: number, code: number): number[] => {
      const p = decode(ethernet(0x0800, ipv4({ protocol: 1 }, icmp(type, code))));
      return [p.srcPort, p.dstPort];
    };
    expect(ports(8, 0)).toEqual([8, 0]);
    expect(ports(0, 0)).toEqual([0, 8]);
    expect(ports(3, 13)).toEqual([3, 13]);
    const p = decode(ethernet(0x86dd, ipv6({ next: 58 }, icmp(135, 0))));
    expect([p.protocol, p.srcPort, p.dstPort]).toEqual([58, 135, 136]);
  });

  test.each([33, 132, 136])("finds ports of protocol %i", (protocol) => {
    const p = decode(ethernet(0x0800, ipv4({ protocol }, udp(4000, 5000))));
    expect([p.hasPorts, p.srcPort, p.dstPort]).toEqual([true, 4000, 5000]);
  });

  test("passes other IP protocols on without ports", () => {
    const p = decode(ethernet(0x0800, ipv4({ protocol: 47 }, bytes(0, 0, 8, 0))));
    expect([reasonOf(p), p.protocol, p.hasPorts, p.srcPort]).toEqual(["ip", 47, false, 0]);
  });

  test("takes the frame's length where segmentation offload left none", () => {
    expect(decode(ethernet(0x0800, ipv4({ protocol: 6, stated: 0 }, segment)), 1, 5000).ipBytes).toBe(4986);
    expect(decode(ethernet(0x86dd, ipv6({ next: 6, stated: 0 }, segment)), 1, 70_000).ipBytes).toBe(69_986);
  });

  const others: readonly [string, Uint8Array, string][] = [
    ["ARP", ethernet(0x0806, new Uint8Array(28)), "arp"],
    ["ARP in a VLAN", ethernet(0x8100, vlanTag(3, 0x0806, new Uint8Array(28))), "arp"],
    ["LLDP", ethernet(0x88cc, new Uint8Array(46)), "lldp"],
    ["spanning tree", ethernet(38, bytes(0x42, 0x42, 3, new Uint8Array(35))), "length_field"],
    ["CDP over SNAP", ethernet(60, bytes(0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0, new Uint8Array(52))), "length_field"],
    ["a pseudowire in MPLS", ethernet(0x8847, bytes(0, 1, 1, 64, new Uint8Array(42))), "non_ip"],
    ["MPLS without a last label", ethernet(0x8847, new Uint8Array(46)), "malformed"],
    ["PPPoE discovery", ethernet(0x8863, new Uint8Array(46)), "non_ip"],
    ["LCP in PPPoE", ethernet(0x8864, bytes(0x11, 0, u16(1), u16(4), u16(0xc021), new Uint8Array(38))), "non_ip"],
    ["an EtherType nobody knows", ethernet(0x1234, new Uint8Array(46)), "unknown_ethertype"],
    ["nothing", bytes(), "malformed"],
    ["a frame that ends in its header", bytes(1, 2, 3), "malformed"],
    ["an IPv4 frame with version 5", ethernet(0x0800, bytes(0x55, new Uint8Array(40))), "malformed"],
    ["an IPv4 header of 4 words", ethernet(0x0800, bytes(0x44, new Uint8Array(40))), "malformed"],
    ["IPv4 shorter than its header", ethernet(0x0800, ipv4({ protocol: 6, stated: 19 }, segment)), "malformed"],
    ["UDP in 3 bytes of IPv4", ethernet(0x0800, ipv4({ protocol: 17, stated: 23 }, new Uint8Array(26))), "malformed"],
    ["extension headers without an end", ethernet(0x86dd, ipv6({ next: 0 }, extension(0, 1, bytes()))), "malformed"],
  ];
  test.each(others)("tells why %s is no packet", (_name, frame, reason) => {
    expect(reasonOf(decode(frame))).toBe(reason);
  });

  test("tells an unknown link type", () => {
    expect(reasonOf(decode(packet4, 147))).toBe("link_type");
  });

  test("calls what the capture cut off truncated, at every length", () => {
    const frames = [
      ethernet(0x0800, packet4),
      ethernet(0x8100, vlanTag(1, 0x86dd, ipv6({ next: 0 }, extension(6, 2, segment)))),
      ethernet(0x0800, ipv4({ protocol: 1, options: [1, 1, 1, 0] }, icmp(8, 0))),
    ];
    for (const frame of frames) {
      const whole = decode(frame);
      for (let length = 0; length < frame.length; length += 1) {
        const cut = decode(frame.subarray(0, length), linkTypes.ethernet, frame.length);
        if (cut.outcome === 0) expect([cut.srcPort, cut.dstPort]).toEqual([whole.srcPort, whole.dstPort]);
        else expect(reasonOf(cut)).toBe("truncated");
      }
    }
  });

  test("reads nothing behind the captured bytes, whatever they are", () => {
    const everyLinkType = [0, 1, 9, 12, 14, 101, 108, 113, 228, 229, 276];
    const starts = [bytes(), ethernet(0x0800, packet4), ethernet(0x86dd, packet6), packet4, packet6];
    const property = fc.property(
      fc.constantFrom(...everyLinkType),
      fc.constantFrom(...starts),
      fc.uint8Array({ maxLength: 90 }),
      fc.nat(120),
      fc.nat(200),
      (linkType, start, tail, length, wire) => {
        const frame = bytes(start, tail).subarray(0, length);
        const outcomes = [0x00, 0xff].map((fill) => {
          const padded = new Uint8Array(frame.length + 64).fill(fill);
          padded.set(frame, 16);
          const out = new DecodedPacket();
          decodeFrame(new DataView(padded.buffer), 16, frame.length, Math.max(wire, frame.length), linkType, out);
          return facts(out);
        });
        expect(outcomes[0]).toEqual(outcomes[1] as Record<string, unknown>);
      },
    );
    fc.assert(property, { numRuns: 1500 });
  });
});
