import { ptr } from "bun:ffi";
import { AmoskysError } from "../core/errors.ts";
import { errno, libc } from "./libc.ts";
import { errnoName, systemError } from "./system-error.ts";

// linux/socket.h, linux/netlink.h, linux/rtnetlink.h, linux/if_link.h
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_STATS64 = 23;
/** struct nlmsghdr { u32 len; u16 type; u16 flags; u32 seq; u32 pid; } */
const headerBytes = 16;
/** struct ifinfomsg { u8 family; u8 pad; u16 type; i32 index; u32 flags; u32 change; } */
const linkBytes = 16;
const receiveBytes = 64 * 1024;
const dumpTriesMax = 5;

/** Totals since the interface exists, as the kernel keeps them (struct rtnl_link_stats64 of linux/if_link.h). */
export interface InterfaceCounters {
  readonly rxPackets: bigint;
  readonly txPackets: bigint;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  readonly rxDropped: bigint;
  readonly txDropped: bigint;
}

/** What a RTM_NEWLINK message says of one interface. */
export interface LinkMessage {
  readonly name: string;
  readonly index: number;
  readonly flags: number;
  readonly hardwareType: number;
  readonly mtu: number;
  readonly counters: InterfaceCounters;
}

const noCounters: InterfaceCounters = {
  rxPackets: 0n,
  txPackets: 0n,
  rxBytes: 0n,
  txBytes: 0n,
  rxDropped: 0n,
  txDropped: 0n,
};

/** Reads the links out of what one recv(2) of a dump brought; `done` where the dump ends with it. */
export function parseLinks(bytes: Uint8Array): { links: LinkMessage[]; done: boolean; interrupted: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const links: LinkMessage[] = [];
  let interrupted = false;
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < headerBytes || at + length > bytes.length) break;
    const type = view.getUint16(at + 4, true);
    if ((view.getUint16(at + 6, true) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    if (type === NLMSG_DONE) return { links, done: true, interrupted };
    if (type === NLMSG_ERROR) {
      const number = length >= headerBytes + 4 ? -view.getInt32(at + headerBytes, true) : 0;
      throw systemError({ call: "RTM_GETLINK", errno: number, what: "Cannot list network interfaces" });
    }
    if (type === RTM_NEWLINK && length >= headerBytes + linkBytes) {
      const link = parseLink(view, at + headerBytes, at + length);
      if (link.name !== "") links.push(link);
    }
    at += align(length);
  }
  return { links, done: false, interrupted };
}

function parseLink(view: DataView, start: number, end: number): LinkMessage {
  let name = "";
  let mtu = 0;
  let counters = noCounters;
  // struct rtattr { u16 len; u16 type; }
  for (let at = start + linkBytes; at + 4 <= end; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) break;
    const type = view.getUint16(at + 2, true) & 0x3fff;
    const value = at + 4;
    if (type === IFLA_IFNAME) name = text(view, value, at + length);
    else if (type === IFLA_MTU && length >= 8) mtu = view.getUint32(value, true);
    else if (type === IFLA_STATS64 && length >= 4 + 64) counters = parseCounters(view, value);
    at += align(length);
  }
  return {
    name,
    index: view.getInt32(start + 4, true),
    flags: view.getUint32(start + 8, true),
    hardwareType: view.getUint16(start + 2, true),
    mtu,
    counters,
  };
}

/** struct rtnl_link_stats64: rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, ... */
function parseCounters(view: DataView, at: number): InterfaceCounters {
  const counter = (n: number) => view.getBigUint64(at + 8 * n, true);
  return {
    rxPackets: counter(0),
    txPackets: counter(1),
    rxBytes: counter(2),
    txBytes: counter(3),
    rxDropped: counter(6),
    txDropped: counter(7),
  };
}

function text(view: DataView, start: number, end: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
  const nul = bytes.indexOf(0);
  return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul));
}

function align(length: number): number {
  return (length + 3) & ~3;
}

function openRouteSocket(groups: number, flags: number): number {
  const fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
  const what = "Cannot ask for network interfaces";
  if (fd < 0) throw systemError({ call: "socket(AF_NETLINK)", errno: errno(), what });
  // struct sockaddr_nl { u16 family; u16 pad; u32 pid; u32 groups; }
  const address = new DataView(new ArrayBuffer(12));
  address.setUint16(0, AF_NETLINK, true);
  address.setUint32(8, groups, true);
  if (libc().bind(fd, ptr(address), 12) === 0) return fd;
  const number = errno();
  libc().close(fd);
  throw systemError({ call: "bind(AF_NETLINK)", errno: number, what });
}

function dumpOnce(fd: number): { links: LinkMessage[]; interrupted: boolean } {
  const request = new DataView(new ArrayBuffer(headerBytes + linkBytes));
  request.setUint32(0, headerBytes + linkBytes, true);
  request.setUint16(4, RTM_GETLINK, true);
  request.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
  const what = "Cannot list network interfaces";
  if (libc().send(fd, ptr(request), request.byteLength, 0) < 0n) {
    throw systemError({ call: "send(AF_NETLINK)", errno: errno(), what });
  }
  const buffer = new Uint8Array(receiveBytes);
  const links: LinkMessage[] = [];
  let interrupted = false;
  for (;;) {
    const received = Number(libc().recv(fd, ptr(buffer), buffer.length, 0));
    if (received < 0) throw systemError({ call: "recv(AF_NETLINK)", errno: errno(), what });
    const part = parseLinks(buffer.subarray(0, received));
    links.push(...part.links);
    interrupted ||= part.interrupted;
    if (part.done) return { links, interrupted };
  }
}

/** All links in one consistent dump (RTM_GETLINK). */
export function dumpLinks(): LinkMessage[] {
  const fd = openRouteSocket(0, 0);
  try {
    for (let tries = 0; tries < dumpTriesMax; tries += 1) {
      const { links, interrupted } = dumpOnce(fd);
      if (!interrupted) return links;
    }
  } finally {
    libc().close(fd);
  }
  throw new AmoskysError("internal", "The network interfaces change faster than they can be listed");
}

/** Tells that interfaces came, went, or changed; what they are now, `listInterfaces` says. */
export interface LinkMonitor {
  /** Readable when something changed. */
  readonly fd: number;
  /** Takes what was told so far; answers whether there was anything. */
  changed(): boolean;
  /** Safe twice. */
  close(): void;
}

/** Subscribes to the changes of links (RTMGRP_LINK). */
export function openLinkMonitor(): LinkMonitor {
  const fd = openRouteSocket(RTMGRP_LINK, SOCK_NONBLOCK);
  const buffer = new Uint8Array(receiveBytes);
  let open = true;
  return {
    fd,
    changed() {
      let any = false;
      while (open) {
        if (libc().recv(fd, ptr(buffer), buffer.length, 0) >= 0n) {
          any = true;
          continue;
        }
        const name = errnoName(errno());
        // an overrun lost messages, which is itself news
        if (name === "ENOBUFS") any = true;
        else if (name !== "EINTR") return any;
      }
      return any;
    },
    close() {
      if (!open) return;
      open = false;
      libc().close(fd);
    },
  };
}
