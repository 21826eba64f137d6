import { readFileSync } from "node:fs";
import { type IpRange, parseIpRange } from "../../core/ip-range.ts";
import { listInterfaces } from "../../native/index.ts";

/** A part of the IPv4 addresses that is behind one interface. */
export interface InterfaceRange {
  readonly interface: string;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * The networks with addresses of the targets whose interface is up and has no carrier now: whoever is there cannot
 * answer. From the routes, because the lists of addresses leave such interfaces out.
 */
export function unpluggedNetworks(targets: readonly IpRange[]): InterfaceRange[] {
  const unplugged = new Set(
    listInterfaces().flatMap(({ name, up, loopback, hasCarrier }) => (up && !loopback && !hasCarrier ? [name] : [])),
  );
  if (unplugged.size === 0) return [];
  return connectedNetworks(readFileSync("/proc/net/route", "latin1")).filter(
    (network) => unplugged.has(network.interface) && targets.some((target) => isOverlap(target, network)),
  );
}

/**
 * Reads /proc/net/route: a head, then interface, destination, gateway, four more, mask; numbers as the memory of x86
 * and arm64 has them, in hexadecimal. What has a gateway is behind another host.
 */
export function connectedNetworks(routes: string): InterfaceRange[] {
  return routes.split("\n").flatMap((line) => {
    const [name = "", destination = "", gateway = "", , , , , mask = ""] = line.trim().split(/\s+/);
    const isConnected = /^[0-9A-F]{8}$/.test(destination) && gateway === "00000000" && /^[0-9A-F]{8}$/.test(mask);
    if (!isConnected || mask === "00000000") return [];
    const first = swapped(destination);
    return [{ interface: name, first, last: first | (swapped(mask) ^ 0xffffffffn) }];
  });
}

function swapped(hex: string): bigint {
  return BigInt(Buffer.from(hex, "hex").readUInt32LE(0));
}

function isOverlap({ family, first, last }: IpRange, network: InterfaceRange): boolean {
  return family === 4 && first <= network.last && last >= network.first;
}

/** Whether an address, IPv4 or IPv6, is in one of the networks. */
export function isInAny(address: string, networks: readonly InterfaceRange[]): boolean {
  const range = parseIpRange(address);
  return range?.family === 4 && networks.some(({ first, last }) => range.first >= first && range.first <= last);
}
