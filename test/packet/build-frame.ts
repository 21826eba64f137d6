/** Builds frames for tests, layer by layer, with lengths filled in; checksums are 0, since nothing here reads them. */
export type Layer = Uint8Array;

export function bytes(...parts: (number | Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...part])));
}

export function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

export function u32(value: number): number[] {
  return [...u16(value >>> 16), ...u16(value & 0xffff)];
}

export function ipv4Bytes(text: string): number[] {
  return text.split(".").map(Number);
}

/** Only full and `::` forms without dotted decimals. */
export function ipv6Bytes(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] => (part === "" ? [] : part.split(":").map((g) => Number.parseInt(g, 16)));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap(u16);
}

export function ethernet(etherType: number, payload: Layer): Uint8Array {
  return bytes(new Uint8Array(12), u16(etherType), payload);
}

export function vlanTag(identifier: number, etherType: number, payload: Layer): Uint8Array {
  return bytes(u16(identifier), u16(etherType), payload);
}

export interface Ipv4Options {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol: number;
  readonly options?: readonly number[];
  /** Flags and offset field. */
  readonly fragment?: number;
  /** Total length as stated, where it is not the true one. */
  readonly stated?: number;
}

export function ipv4(o: Ipv4Options, payload: Layer): Uint8Array {
  const options = o.options ?? [];
  const total = 20 + options.length + payload.length;
  return bytes(
    0x40 | (5 + options.length / 4),
    0,
    u16(o.stated ?? total),
    u16(0x1234),
    u16(o.fragment ?? 0),
    64,
    o.protocol,
    u16(0),
    ipv4Bytes(o.src ?? "10.0.0.1"),
    ipv4Bytes(o.dst ?? "10.0.0.2"),
    options,
    payload,
  );
}

export interface Ipv6Options {
  readonly src?: string;
  readonly dst?: string;
  /** Next header of the fixed header. */
  readonly next: number;
  readonly stated?: number;
}

export function ipv6(o: Ipv6Options, payload: Layer): Uint8Array {
  return bytes(
    u32(0x60000000),
    u16(o.stated ?? payload.length),
    o.next,
    64,
    ipv6Bytes(o.src ?? "2001:db8::1"),
    ipv6Bytes(o.dst ?? "2001:db8::2"),
    payload,
  );
}

/** An extension header of options, `units` times 8 bytes long. */
export function extension(next: number, units: number, payload: Layer): Uint8Array {
  return bytes(next, units - 1, new Uint8Array(units * 8 - 2), payload);
}

export function ipv6Fragment(next: number, offset: number, more: boolean, payload: Layer): Uint8Array {
  return bytes(next, 0, u16((offset << 3) | (more ? 1 : 0)), u32(7), payload);
}

export interface TcpOptions {
  readonly flags: number;
  readonly sequence?: number;
}

export function tcp(srcPort: number, dstPort: number, o: TcpOptions, payload: Layer = bytes()): Uint8Array {
  return bytes(
    u16(srcPort),
    u16(dstPort),
    u32(o.sequence ?? 1),
    u32(0),
    0x50,
    o.flags,
    u16(1000),
    u16(0),
    u16(0),
    payload,
  );
}

export function udp(srcPort: number, dstPort: number, payload: Layer = bytes()): Uint8Array {
  return bytes(u16(srcPort), u16(dstPort), u16(8 + payload.length), u16(0), payload);
}

export function icmp(type: number, code: number, identifier = 1): Uint8Array {
  return bytes(type, code, u16(0), u16(identifier), u16(1));
}
