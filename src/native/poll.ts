import { ptr } from "bun:ffi";
import { errno, libc } from "./libc.ts";
import { errnoName, systemError } from "./system-error.ts";

// asm-generic/poll.h; struct pollfd { int fd; short events; short revents; }
const POLLIN = 0x1;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
const entryBytes = 8;
const eventsOffset = 4;
const reventsOffset = 6;

/** Waits in poll(2) until any of a set of descriptors is readable. Blocks its thread, so it belongs in a worker. */
export class Poller {
  #fds: readonly number[] = [];
  #entries: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(entryBytes));

  /** Replaces the set. */
  watch(fds: readonly number[]): void {
    this.#fds = [...fds];
    this.#entries = new DataView(new ArrayBuffer(Math.max(1, fds.length) * entryBytes));
    for (const [i, fd] of fds.entries()) {
      this.#entries.setInt32(i * entryBytes, fd, true);
      this.#entries.setInt16(i * entryBytes + eventsOffset, POLLIN, true);
    }
  }

  /** Waits at most `timeoutMs` (-1: for ever); answers how many descriptors have something to say. */
  wait(timeoutMs: number): number {
    const ready = libc().poll(ptr(this.#entries), this.#fds.length, timeoutMs);
    if (ready >= 0) return ready;
    const number = errno();
    if (errnoName(number) === "EINTR") return 0;
    throw systemError({ call: "poll", errno: number, what: "Cannot wait for descriptors" });
  }

  /** Whether the last wait found something to read there. */
  readable(fd: number): boolean {
    return (this.#events(fd) & POLLIN) !== 0;
  }

  /** Whether the last wait found an error, a hang-up, or no such descriptor there. */
  failed(fd: number): boolean {
    return (this.#events(fd) & (POLLERR | POLLHUP | POLLNVAL)) !== 0;
  }

  #events(fd: number): number {
    const index = this.#fds.indexOf(fd);
    return index < 0 ? 0 : this.#entries.getInt16(index * entryBytes + reventsOffset, true);
  }
}
