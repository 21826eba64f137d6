import { AmoskysError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { dumpLinks, type InterfaceCounters, type LinkMessage } from "./netlink-links.ts";

// linux/if.h
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x10000;

/** One network interface of the network namespace this thread is in. */
export interface NetworkInterface {
  readonly name: string;
  /** Unique while it exists; never given to another interface soon. */
  readonly index: number;
  /** Administratively up (IFF_UP); whether the other end is there is another question. */
  readonly up: boolean;
  /** It has a carrier (IFF_LOWER_UP): a cable whose other end is there. The kernel takes frames also without. */
  readonly hasCarrier: boolean;
  readonly loopback: boolean;
  /** ARPHRD_* of linux/if_arp.h. */
  readonly hardwareType: number;
  /** Bytes of the largest packet behind the link-layer header. */
  readonly mtu: number;
  readonly counters: InterfaceCounters;
}

function fromLink(link: LinkMessage): NetworkInterface {
  return {
    name: link.name,
    index: link.index,
    up: (link.flags & IFF_UP) !== 0,
    hasCarrier: (link.flags & IFF_LOWER_UP) !== 0,
    loopback: (link.flags & IFF_LOOPBACK) !== 0,
    hardwareType: link.hardwareType,
    mtu: link.mtu,
    counters: link.counters,
  };
}

/** All network interfaces, by index. From rtnetlink and not from /sys, which may show another network namespace. */
export function listInterfaces(): NetworkInterface[] {
  return dumpLinks()
    .map(fromLink)
    .sort((a, b) => a.index - b.index);
}

/** The interface of that name. Throws `unknown_interface` with the nearest name where there is none. */
export function findInterface(name: string, known: readonly NetworkInterface[] = listInterfaces()): NetworkInterface {
  const found = known.find((candidate) => candidate.name === name);
  if (found) return found;
  const names = known.map((candidate) => candidate.name);
  const meant = nearest(name, names);
  throw new AmoskysError("unknown_interface", `There is no network interface "${name}"`, {
    hint: meant ? `--iface ${meant}` : `one of ${names.join(", ")}`,
    details: { interface: name, known: names },
  });
}
