import { dlopen, FFIType, read } from "bun:ffi";
import { AmoskysError } from "../core/errors.ts";

/** glibc and musl by the names their loaders know them under. */
const libraryNames = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"] as const;

const { cstring, i32, i64, ptr, u32, u64 } = FFIType;

/** The functions of libc this room calls, with the types of 64-bit Linux. */
const signatures = {
  __errno_location: { args: [], returns: ptr },
  adjtimex: { args: [ptr], returns: i32 },
  bind: { args: [i32, ptr, u32], returns: i32 },
  clock_gettime: { args: [i32, ptr], returns: i32 },
  close: { args: [i32], returns: i32 },
  connect: { args: [i32, ptr, u32], returns: i32 },
  epoll_create1: { args: [i32], returns: i32 },
  epoll_ctl: { args: [i32, i32, i32, ptr], returns: i32 },
  epoll_wait: { args: [i32, ptr, i32, i32], returns: i32 },
  eventfd: { args: [u32, i32], returns: i32 },
  flock: { args: [i32, i32], returns: i32 },
  getppid: { args: [], returns: i32 },
  getsockopt: { args: [i32, i32, i32, ptr, ptr], returns: i32 },
  if_nametoindex: { args: [cstring], returns: u32 },
  // the address as an integer, because MAP_FAILED is -1
  mmap: { args: [ptr, u64, i32, i32, i32, i64], returns: i64 },
  munmap: { args: [ptr, u64], returns: i32 },
  poll: { args: [ptr, u64, i32], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  read: { args: [i32, ptr, u64], returns: i64 },
  recv: { args: [i32, ptr, u64, i32], returns: i64 },
  send: { args: [i32, ptr, u64, i32], returns: i64 },
  setsockopt: { args: [i32, i32, i32, ptr, u32], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  // for calls that libc has no function for, here bpf(2): number, command, attributes, their size
  syscall: { args: [i64, i64, ptr, i64], returns: i64 },
  write: { args: [i32, ptr, u64], returns: i64 },
} as const;

function open() {
  const causes: unknown[] = [];
  for (const name of libraryNames) {
    try {
      return dlopen(name, signatures).symbols;
    } catch (caught) {
      causes.push(caught);
    }
  }
  throw new AmoskysError("facility_missing", `No libc of Linux on this system (${libraryNames.join(", ")})`, {
    hint: "run amoskys on Linux, x86-64 or arm64",
    cause: causes[0],
  });
}

export type Libc = ReturnType<typeof open>;

let opened: Libc | undefined;

/** The C library, opened at the first call. Throws `facility_missing` where there is none of Linux. */
export function libc(): Libc {
  opened ??= open();
  return opened;
}

/** The calling thread's errno; to be read straight after the call that failed. */
export function errno(): number {
  const location = libc().__errno_location();
  return location === null ? 0 : read.i32(location, 0);
}
