import { networkInterfaces } from "node:os";
import { addressNumber } from "../../core/ip-range.ts";
import { listInterfaces } from "../../native/index.ts";

/** ARPHRD_ETHER of linux/if_arp.h: what ARP frames are made for here. */
const hardwareEthernet = 1;

/** An IPv4 network that this host has an address in. */
export interface AttachedNetwork {
  readonly interface: string;
  readonly hardwareAddress: string;
  /** This host's own address there. */
  readonly own: bigint;
  readonly first: bigint;
  readonly last: bigint;
}

/** The IPv4 networks on Ethernet interfaces that are up and running, as they are now. */
export function attachedNetworks(): AttachedNetwork[] {
  const ethernet = new Set(
    listInterfaces()
      .filter(({ up, loopback, hardwareType }) => up && !loopback && hardwareType === hardwareEthernet)
      .map(({ name }) => name),
  );
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family }) => family === "IPv4" && ethernet.has(name))
      .map(({ address, netmask, mac }) => {
        const own = addressNumber(address);
        const mask = addressNumber(netmask);
        const first = own & mask;
        return { interface: name, hardwareAddress: mac, own, first, last: first | (mask ^ 0xffffffffn) };
      }),
  );
}
