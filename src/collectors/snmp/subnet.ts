import { AmoskysError } from "../../core/errors.ts";

/** A range of IPv4 addresses; both ends are in it. */
export interface Subnet {
  readonly first: number;
  readonly last: number;
}

/** Ranges that are nobody's on the internet: RFC 1918, RFC 6598, RFC 3927, RFC 1122 (loopback). */
const privateRanges = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "127.0.0.0/8",
];

const prefixMin = 16;

function readRange(text: string): Subnet | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const parts = match?.slice(1).map(Number);
  if (!parts || parts.slice(0, 4).some((octet) => octet > 255) || (parts[4] as number) > 32) return undefined;
  const [a, b, c, d, prefix] = parts as [number, number, number, number, number];
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const size = 2 ** (32 - prefix);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}

const allowed = privateRanges.map((text) => readRange(text) as Subnet);

/** Reads `192.168.1.0/24`. Throws `config_invalid` for what is none, is not private, or is larger than a /16. */
export function parseSubnet(text: string): Subnet {
  const subnet = readRange(text);
  if (!subnet) throw new AmoskysError("config_invalid", `"${text}" is no IPv4 range; write 192.168.1.0/24`);
  if (subnet.last - subnet.first >= 2 ** (32 - prefixMin)) {
    throw new AmoskysError("config_invalid", `${text} is larger than a /${prefixMin}`);
  }
  if (!allowed.some(({ first, last }) => subnet.first >= first && subnet.last <= last)) {
    throw new AmoskysError("config_invalid", `${text} is not private; only private ranges are searched`);
  }
  return subnet;
}

function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** The addresses of hosts: all, but the network's own and the broadcast address where the range has room for them. */
export function* hostAddresses({ first, last }: Subnet): Generator<string> {
  const edge = last - first > 1 ? 1 : 0;
  for (let address = first + edge; address <= last - edge; address += 1) yield addressText(address);
}
