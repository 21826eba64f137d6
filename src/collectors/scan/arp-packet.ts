/** EtherType of ARP (RFC 826). */
export const etherTypeArp = 0x0806;

const hardwareEthernet = 1;
const protocolIpv4 = 0x0800;
const request = 1;
const reply = 2;
/** Ethernet header and an ARP packet of Ethernet and IPv4. */
const packetBytes = 14 + 28;
/** The shortest Ethernet frame without its checksum. */
const frameBytes = 60;

export interface ArpAnswer {
  readonly address: number;
  /** `02:00:5e:10:00:ff` */
  readonly hardwareAddress: string;
}

function hardwareBytes(text: string): number[] {
  return text.split(":").map((part) => Number.parseInt(part, 16));
}

/** Who has `target`? Tell `sender`. Addresses as 32-bit numbers. */
export function arpRequest(hardwareAddress: string, sender: number, target: number): Uint8Array {
  const frame = new Uint8Array(frameBytes);
  const view = new DataView(frame.buffer);
  const own = hardwareBytes(hardwareAddress);
  frame.fill(0xff, 0, 6);
  frame.set(own, 6);
  view.setUint16(12, etherTypeArp);
  view.setUint16(14, hardwareEthernet);
  view.setUint16(16, protocolIpv4);
  view.setUint8(18, 6);
  view.setUint8(19, 4);
  view.setUint16(20, request);
  frame.set(own, 22);
  view.setUint32(28, sender);
  view.setUint32(38, target);
  return frame;
}

/** Reads a reply to `hardwareAddress` that comes from one device; undefined for any other frame. */
export function parseArpReply(frame: Uint8Array, hardwareAddress: string): ArpAnswer | undefined {
  if (frame.length < packetBytes) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const isReply =
    view.getUint16(12) === etherTypeArp &&
    view.getUint16(14) === hardwareEthernet &&
    view.getUint16(16) === protocolIpv4 &&
    view.getUint8(18) === 6 &&
    view.getUint8(19) === 4 &&
    view.getUint16(20) === reply;
  if (!isReply || textOf(frame.subarray(32, 38)) !== hardwareAddress.toLowerCase()) return undefined;
  const sender = frame.subarray(22, 28);
  // the bit of groups (IEEE 802), and no address at all, are nobody's
  if (((sender[0] as number) & 1) === 1 || sender.every((byte) => byte === 0)) return undefined;
  return { address: view.getUint32(28), hardwareAddress: textOf(sender) };
}

function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
