import { ptr } from "bun:ffi";
import { findInterface, type NetworkInterface } from "./interfaces.ts";
import { errno, libc } from "./libc.ts";
import { readStatistics } from "./packet-socket.ts";
import { errnoName, systemError } from "./system-error.ts";

// linux/socket.h, asm-generic/socket.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;

/** Whole link-layer frames of one EtherType, in and out of one interface, without waiting. For few frames. */
export interface FrameSocket {
  readonly interface: NetworkInterface;
  /** Sends a frame with its header; false where the kernel has no room for it now or the link is down. */
  send(frame: Uint8Array): boolean;
  /** Puts the next frame into `into`, cut to its size; how many bytes there are, 0 where no frame waits. */
  receive(into: Uint8Array): number;
  /** How many frames found no room in the socket since this was asked last. */
  takeDropCount(): number;
  /** Safe twice. */
  close(): void;
}

/** Opens one (AF_PACKET, SOCK_RAW). Throws privilege_missing without CAP_NET_RAW, or unknown_interface. */
export function openFrameSocket(name: string, etherType: number): FrameSocket {
  const networkInterface = findInterface(name);
  const what = `Cannot send frames on "${name}"`;
  const fd = libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw systemError({ call: "socket(AF_PACKET)", errno: errno(), what, capability: "CAP_NET_RAW" });
  // struct sockaddr_ll: family, protocol in network order, interface
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, etherType, false);
  address.setInt32(4, networkInterface.index, true);
  if (libc().bind(fd, ptr(address), address.byteLength) !== 0) {
    const number = errno();
    libc().close(fd);
    throw systemError({ call: "bind(AF_PACKET)", errno: number, what, capability: "CAP_NET_RAW" });
  }
  return new BoundFrameSocket(fd, networkInterface);
}

const passing = new Set(["EAGAIN", "EWOULDBLOCK", "EINTR", "ENOBUFS", "ENETDOWN", "ENXIO"]);

class BoundFrameSocket implements FrameSocket {
  readonly interface: NetworkInterface;
  #fd: number | undefined;

  constructor(fd: number, networkInterface: NetworkInterface) {
    this.#fd = fd;
    this.interface = networkInterface;
  }

  send(frame: Uint8Array): boolean {
    if (this.#fd === undefined) return false;
    return this.#answer("send", libc().send(this.#fd, ptr(frame), frame.length, 0)) === frame.length;
  }

  receive(into: Uint8Array): number {
    if (this.#fd === undefined) return 0;
    return Math.min(into.length, this.#answer("recv", libc().recv(this.#fd, ptr(into), into.length, MSG_TRUNC)));
  }

  takeDropCount(): number {
    return this.#fd === undefined ? 0 : readStatistics(this.#fd).drops;
  }

  close(): void {
    if (this.#fd === undefined) return;
    libc().close(this.#fd);
    this.#fd = undefined;
  }

  #answer(call: string, result: bigint | number): number {
    const count = Number(result);
    if (count >= 0) return count;
    const number = errno();
    if (passing.has(errnoName(number))) return 0;
    throw systemError({ call: `${call}(AF_PACKET)`, errno: number, what: `Frames fail on "${this.interface.name}"` });
  }
}
