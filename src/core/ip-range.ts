import { isIPv4, isIPv6 } from "node:net";

/** Addresses of one family, both ends included. */
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * What is not routed on the Internet: RFC 1918, RFC 6598 (between a provider and its customers), RFC 3927 (link-local),
 * RFC 1122 (loopback), RFC 4193 (ULA), RFC 4291 (link-local, loopback).
 */
export const privateRanges: readonly IpRange[] = ipRanges([
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
]);

/** Reads `192.168.1.0/24`, `10.0.0.7` or `fd00::/120`; undefined for anything else, also for what names a zone. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = "", prefix, more] = text.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  if (family === undefined || more !== undefined) return undefined;
  const bits = family === 4 ? 32 : 128;
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return undefined;
  const size = 1n << BigInt(bits - Number(prefix ?? bits));
  const first = (addressNumber(address) / size) * size;
  return { family, first, last: first + size - 1n };
}

/** Ranges that are written in the source. */
export function ipRanges(texts: readonly string[]): IpRange[] {
  return texts.map((text) => parseIpRange(text) as IpRange);
}

/** Whether every address of a range is in one of `ranges`. */
export function isWithin({ family, first, last }: IpRange, ranges: readonly IpRange[]): boolean {
  return ranges.some((range) => range.family === family && first >= range.first && last <= range.last);
}

/** How many addresses a range has; exact up to 2^53. */
export function addressCount({ first, last }: IpRange): number {
  return Number(last - first) + 1;
}

/** The addresses of hosts; not the network's own and not its broadcast address where IPv4 has them (RFC 3021: /31). */
export function* hostAddresses({ family, first, last }: IpRange): Generator<string> {
  const edge = family === 4 && last - first > 1n ? 1n : 0n;
  for (let address = first + edge; address <= last - edge; address += 1n) yield addressText(family, address);
}

/** An IPv4 or IPv6 address as a number; the text must be one. */
export function addressNumber(text: string): bigint {
  if (isIPv4(text)) return BigInt(text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0));
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted ? addressNumber(dotted[2] as string) : 0n;
  const plain = dotted ? `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}` : text;
  const [head = "", rest] = plain.split("::");
  const words = (part: string) => (part === "" ? [] : part.split(":"));
  const before = words(head);
  const after = rest === undefined ? [] : words(rest);
  const gap = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...gap, ...after].reduce((sum, word) => sum * 65_536n + BigInt(`0x${word}`), 0n);
}

/** An address as the bytes that are sent: 4 or 16. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  const bytes = new Uint8Array(16);
  let rest = addressNumber(text);
  for (let i = 15; i >= 0; i -= 1, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** The text of an address; IPv6 as `URL` writes it (RFC 5952). */
export function addressText(family: 4 | 6, address: bigint): string {
  if (family === 4) {
    const number = Number(address);
    return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
  }
  const words = Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return new URL(`http://[${words.join(":")}]/`).hostname.slice(1, -1);
}
