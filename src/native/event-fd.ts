import { ptr } from "bun:ffi";
import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

// sys/eventfd.h
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

/** A descriptor that one thread waits for and another makes ready; good for ending a thread that blocks in poll(2). */
export interface EventFd {
  readonly fd: number;
  /** Makes it readable until `clear`. From any thread. */
  signal(): void;
  /** Makes it unreadable again; answers whether it had been signalled. */
  clear(): boolean;
  /** Safe twice. Nobody may wait for it any more. */
  close(): void;
}

/** Signals an eventfd that another thread owns, known by its number only. */
export function signalEventFd(fd: number): void {
  const one = new BigUint64Array([1n]);
  if (libc().write(fd, ptr(one), 8) !== 8n) {
    throw systemError({ call: "write(eventfd)", errno: errno(), what: "Cannot wake a thread" });
  }
}

/** eventfd(2), non-blocking, not inherited. */
export function createEventFd(): EventFd {
  const fd = libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw systemError({ call: "eventfd", errno: errno(), what: "Cannot make a wake-up descriptor" });
  const counter = new BigUint64Array(1);
  let open = true;
  return {
    fd,
    signal: () => {
      if (open) signalEventFd(fd);
    },
    clear: () => open && libc().read(fd, ptr(counter), 8) === 8n,
    close: () => {
      if (!open) return;
      open = false;
      libc().close(fd);
    },
  };
}
