import { AmoskysError } from "../../core/errors.ts";
import { addressCount, type IpRange, ipRanges, isWithin, parseIpRange, privateRanges } from "../../core/ip-range.ts";

/** No one host: this network, multicast, reserved, broadcast (RFC 1122, RFC 1112); unspecified, multicast, mapped. */
const noHosts = ipRanges(["0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8", "::ffff:0:0/96"]);

/** Addresses that mean nothing without the interface they are on (RFC 4007), which a target does not name. */
const linkLocal = ipRanges(["fe80::/10"]);

/** Of one range. */
const addressesMax = 65_536;

/** A host by its name, which is looked up before each scan. */
export interface NamedHost {
  readonly name: string;
}
export type Target = IpRange | NamedHost;

/** Names of hosts (RFC 1123, 2.1); the last label is not a number, so that no mistyped address becomes a name. */
const hostName =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*(?!\d+\.?$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$/i;

/** `10.0.0.2-20`: by its letters the name of a host, by what people mean a range. */
const dashedRange = /^[\d.]*-[\d.-]*$/;

/**
 * Reads `192.168.1.0/24`, `10.0.0.7`, `fd00::/120` or `printer.example.org`. Throws `usage` for what is none of them,
 * for a range that is not private or larger than 65,536 addresses, and for an address that is no host's or link-local
 * IPv6. An address named by itself may be any other; what a name stands for is up to a DNS server, and must be private.
 */
export function parseTarget(text: string): Target {
  const range = parseIpRange(text);
  if (!range && hostName.test(text) && !dashedRange.test(text)) return { name: text };
  const reason = range ? refusal(range) : noTarget(text);
  if (range && !reason) return range;
  throw new AmoskysError("usage", `${range ? text : `"${text}"`} ${reason}`, {
    hint: "name a private range such as 192.168.1.0/24, single addresses, or names of hosts",
  });
}

function noTarget(text: string): string {
  if (dashedRange.test(text)) return "is no target: ranges are written as CIDR, such as 10.77.0.0/27";
  return "is no address, range of addresses or name of a host";
}

function refusal(range: IpRange): string | undefined {
  if (isWithin(range, noHosts)) return "is no address of a host";
  if (isWithin(range, linkLocal))
    return "is link-local: only with an interface does it mean a host, so it is not scanned";
  if (addressCount(range) > addressesMax) return `has more than ${addressesMax} addresses`;
  if (isSingle(range) || isWithin(range, privateRanges)) return undefined;
  return "is not private, and such ranges are never scanned";
}

/** Whether it is one address, and so was named by itself. */
export function isSingle({ first, last }: IpRange): boolean {
  return first === last;
}

/** Why an address that a name stands for is not scanned. */
export type AddressProblem = "not_private" | "link_local";

/** The address that a name stands for where it may be scanned, being private and one host's; else why not. */
export function resolvedTarget(text: string): IpRange | AddressProblem {
  // getaddrinfo adds the zone where it knows one
  const range = parseIpRange(text.replace(/%.*/, ""));
  if (!range || !isSingle(range)) return "not_private";
  if (isWithin(range, linkLocal)) return "link_local";
  return isWithin(range, privateRanges) ? range : "not_private";
}
