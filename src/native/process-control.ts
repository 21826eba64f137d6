import { ptr } from "bun:ffi";
import { constants } from "node:os";
import { AmoskysError } from "../core/errors.ts";
import { errno, libc } from "./libc.ts";
import { systemError } from "./system-error.ts";

// linux/prctl.h
const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
/** Bytes of a thread's name with its NUL (TASK_COMM_LEN of linux/sched.h). */
const nameBytes = 16;

/**
 * Has the kernel send `signal` to this process when the thread that started it ends. Throws `interrupted` where the
 * parent has gone already, which the kernel would not tell: `parentPid` is the parent that is expected.
 */
export function dieWithParent(parentPid: number, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): void {
  if (libc().prctl(PR_SET_PDEATHSIG, constants.signals[signal], 0, 0, 0) !== 0) {
    throw systemError({ call: "prctl(PR_SET_PDEATHSIG)", errno: errno(), what: "Cannot follow the parent process" });
  }
  const parent = libc().getppid();
  if (parent !== parentPid) {
    throw new AmoskysError("interrupted", `The parent process ${parentPid} has ended`, { details: { parent } });
  }
}

/** Names the calling thread, 15 bytes at most, as `ps` and `top` show it; of the main thread, the process. */
export function setThreadName(name: string): void {
  const bytes = new Uint8Array(nameBytes);
  bytes.set(new TextEncoder().encode(name).subarray(0, nameBytes - 1));
  if (libc().prctl(PR_SET_NAME, ptr(bytes), 0, 0, 0) !== 0) {
    throw systemError({ call: "prctl(PR_SET_NAME)", errno: errno(), what: `Cannot name the thread "${name}"` });
  }
}
