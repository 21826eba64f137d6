import { ptr } from "bun:ffi";
import { errno, libc } from "./libc.ts";
import { errnoName, systemError } from "./system-error.ts";

// linux/socket.h, asm-generic/socket.h
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
// sys/epoll.h; struct epoll_event { uint32_t events; uint64_t data; }, packed on x86-64 only
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLOUT = 0x4;
const eventBytes = process.arch === "x64" ? 12 : 16;
const dataOffset = process.arch === "x64" ? 4 : 8;
const eventsAtOnce = 256;
/** Of one look, so that it ends. */
const batchesMax = 16;
const sockaddrBytesMax = 28;

/** What came of an attempt: undefined where it is connected, else the name of its errno. */
export type ConnectOutcome = string | undefined;

/**
 * TCP connections that are begun to learn what comes of it, and closed when that is known. The runtime's own sockets
 * say ECONNREFUSED of every failure (Bun 1.4.5), so that nobody could tell a refusal from a host that is not there.
 */
export class ConnectSet {
  readonly #epoll: number;
  readonly #open = new Set<number>();
  readonly #events = new DataView(new ArrayBuffer(eventsAtOnce * eventBytes));
  readonly #interest = new DataView(new ArrayBuffer(eventBytes));
  readonly #target = new Uint8Array(sockaddrBytesMax);
  readonly #value = new Int32Array(1);
  readonly #valueBytes = new Uint32Array(1);
  #closed = false;

  /** Throws facility_missing where this is not Linux. */
  constructor() {
    this.#epoll = libc().epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw systemError({ call: "epoll_create1", errno: errno(), what: "Cannot wait for sockets" });
  }

  /**
   * Begins one to an address of 4 or 16 bytes; answers its number, or the errno's name where it failed at once, which
   * is EBADF of a closed set: its descriptor may be another's by now.
   */
  begin(address: Uint8Array, port: number): number | string {
    if (this.#closed) return "EBADF";
    const family = address.length === 4 ? AF_INET : AF_INET6;
    const fd = libc().socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errnoName(errno());
    if (libc().connect(fd, ptr(this.#target), this.#writeTarget(family, address, port)) !== 0) {
      const name = errnoName(errno());
      if (name !== "EINPROGRESS") return this.#refuse(fd, name);
    }
    this.#interest.setUint32(0, EPOLLOUT, true);
    this.#interest.setInt32(dataOffset, fd, true);
    if (libc().epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, ptr(this.#interest)) !== 0) {
      return this.#refuse(fd, errnoName(errno()));
    }
    this.#open.add(fd);
    return fd;
  }

  /** Tells of those that have ended, without waiting; their numbers mean nothing any more. */
  take(onEnd: (attempt: number, outcome: ConnectOutcome) => void): void {
    for (let batch = 0, count = eventsAtOnce; batch < batchesMax && count === eventsAtOnce; batch += 1) {
      count = this.#closed ? 0 : libc().epoll_wait(this.#epoll, ptr(this.#events), eventsAtOnce, 0);
      for (let i = 0; i < count; i += 1) {
        const fd = this.#events.getInt32(i * eventBytes + dataOffset, true);
        if (!this.#open.has(fd)) continue;
        const outcome = this.#outcome(fd);
        this.abandon(fd);
        onEnd(fd, outcome);
      }
    }
  }

  /** Ends an attempt whose outcome nobody waits for. */
  abandon(attempt: number): void {
    if (this.#open.delete(attempt)) libc().close(attempt);
  }

  /** Safe twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const fd of this.#open) this.abandon(fd);
    libc().close(this.#epoll);
  }

  #refuse(fd: number, name: string): string {
    libc().close(fd);
    return name;
  }

  #outcome(fd: number): ConnectOutcome {
    this.#valueBytes[0] = 4;
    if (libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, ptr(this.#value), ptr(this.#valueBytes)) !== 0) {
      return errnoName(errno());
    }
    const number = this.#value[0] as number;
    return number === 0 ? undefined : errnoName(number);
  }

  /** struct sockaddr_in or sockaddr_in6; answers its size. */
  #writeTarget(family: number, address: Uint8Array, port: number): number {
    const isIpv4 = family === AF_INET;
    this.#target.fill(0);
    // the family in this machine's order, the port in that of the network
    this.#target[0] = family;
    this.#target[2] = port >> 8;
    this.#target[3] = port & 0xff;
    this.#target.set(address, isIpv4 ? 4 : 8);
    return isIpv4 ? 16 : sockaddrBytesMax;
  }
}
