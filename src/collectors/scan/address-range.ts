import { isIPv4, isIPv6 } from "node:net";
import { AmoskysError } from "../../core/errors.ts";

/** Addresses of one family, both ends included. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  /** One address, named by itself. */
  readonly single: boolean;
}

/** RFC 1918, RFC 3927 (link-local), RFC 1122 (loopback), RFC 4193 (ULA), RFC 4291 (link-local, loopback). */
const privateRanges = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "127.0.0.0/8",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
].map((text) => readRange(text) as AddressRange);

/** No one host: this network, multicast, reserved, broadcast (RFC 1122, RFC 1112); unspecified, multicast, mapped. */
const noHosts = ["0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8", "::ffff:0:0/96"].map(
  (text) => readRange(text) as AddressRange,
);

/** The largest range: 65,536 addresses. */
const rangeBitsMax = 16;

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

function readRange(text: string): AddressRange | undefined {
  const [address = "", prefix, more] = text.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  if (family === undefined || more !== undefined) return undefined;
  const bits = family === 4 ? 32 : 128;
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return undefined;
  const size = 1n << BigInt(bits - Number(prefix ?? bits));
  const first = (addressNumber(address) / size) * size;
  return { family, first, last: first + size - 1n, single: size === 1n };
}

/** Whether every address of a range is in one of `ranges`. */
function isWithin({ family, first, last }: AddressRange, ranges: readonly AddressRange[]): boolean {
  return ranges.some((range) => range.family === family && first >= range.first && last <= range.last);
}

/** A host by its name, which is looked up before each scan. */
export interface NamedHost {
  readonly name: string;
}
export type Target = AddressRange | NamedHost;

/** Names of hosts (RFC 1123, 2.1); the last label is not a number, so that no mistyped address becomes a name. */
const hostName =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*(?!\d+\.?$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i;

/**
 * Reads `192.168.1.0/24`, `10.0.0.7`, `fd00::/120` or `printer.example.org`. Throws `usage` for what is none of them,
 * for a range that is not private or larger than 65,536 addresses, and for an address that is no host's. An address
 * named by itself may be any; what a name stands for is up to a DNS server, and must be private.
 */
export function parseTarget(text: string): Target {
  const range = readRange(text);
  const hint = "name a private range such as 192.168.1.0/24, single addresses, or names of hosts";
  if (!range && hostName.test(text)) return { name: text };
  if (!range)
    throw new AmoskysError("usage", `"${text}" is no address, range of addresses or name of a host`, { hint });
  if (isWithin(range, noHosts)) throw new AmoskysError("usage", `${text} is no address of a host`, { hint });
  if (range.last - range.first >= 1n << BigInt(rangeBitsMax)) {
    throw new AmoskysError("usage", `${text} has more than ${1 << rangeBitsMax} addresses`, { hint });
  }
  if (range.single || isWithin(range, privateRanges)) return range;
  throw new AmoskysError("usage", `${text} is not private, and such ranges are never scanned`, { hint });
}

/** The address that a name stands for, where it may be scanned: private, link-local or loopback, and one host's. */
export function privateAddress(text: string): AddressRange | undefined {
  const range = readRange(text);
  return range?.single && isWithin(range, privateRanges) ? range : undefined;
}

/** How many addresses a range has. */
export function addressCount({ first, last }: AddressRange): number {
  return Number(last - first) + 1;
}

/** The addresses of hosts; not the network's own and not its broadcast address where IPv4 has them (RFC 3021: /31). */
export function* hostAddresses({ family, first, last }: AddressRange): Generator<string> {
  const edge = family === 4 && last - first > 1n ? 1n : 0n;
  for (let address = first + edge; address <= last - edge; address += 1n) yield addressText(family, address);
}
