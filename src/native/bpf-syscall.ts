import { ptr } from "bun:ffi";
import { AmoskysError } from "../core/errors.ts";
import { effectiveCapabilities } from "./capabilities.ts";
import { errno, libc } from "./libc.ts";
import { errnoName, systemError } from "./system-error.ts";

/** asm/unistd_64.h: the number of bpf(2) on x86-64, the only processor whose system calls we can name. */
const SYS_bpf = 321;
/** Bytes of `union bpf_attr` that are passed; what a kernel does not know has to be zero, and is. */
const attributeBytes = 144;
/** BPF_OBJ_NAME_LEN of linux/bpf.h, with the NUL. */
const nameBytes = 16;

/** enum bpf_cmd of linux/bpf.h. */
const bpfCommands = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_LOOKUP_ELEM: 1,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_PROG_LOAD: 5,
  BPF_PROG_TEST_RUN: 10,
  BPF_PROG_GET_FD_BY_ID: 13,
  BPF_MAP_GET_FD_BY_ID: 14,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_RAW_TRACEPOINT_OPEN: 17,
  BPF_BTF_LOAD: 18,
  BPF_MAP_LOOKUP_BATCH: 24,
  BPF_LINK_GET_FD_BY_ID: 30,
} as const;

export type BpfCommand = keyof typeof bpfCommands;

/** One `union bpf_attr`, filled field by field at the offsets of linux/bpf.h, and passed to the kernel. */
export class BpfAttributes {
  readonly #view = new DataView(new ArrayBuffer(attributeBytes));
  /** What pointers lead to has to stay until the call has returned. */
  readonly #held: (DataView | Uint8Array)[] = [];

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true);
    return this;
  }

  pointer(offset: number, target: DataView | Uint8Array): this {
    this.#held.push(target);
    return this.u64(offset, BigInt(ptr(target)));
  }

  /** A name of letters, digits, `_` and `.`, cut to what the kernel keeps. */
  name(offset: number, name: string): this {
    const bytes = new TextEncoder().encode(name).subarray(0, nameBytes - 1);
    new Uint8Array(this.#view.buffer, offset, nameBytes).set(bytes);
    return this;
  }

  /** What the kernel wrote into a field. */
  read(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** Makes the call: what it returns (often a descriptor), or the negative errno. */
  call(command: BpfCommand): number {
    const result = Number(libc().syscall(SYS_bpf, bpfCommands[command], ptr(this.#view), attributeBytes));
    return result < 0 ? -errno() : result;
  }

  /** Makes the call; throws where it fails, `what` being what could not be done. */
  callOrThrow(command: BpfCommand, what: string): number {
    const result = this.call(command);
    if (result < 0) throw bpfError(command, -result, what);
    return result;
  }
}

/** A NUL-terminated string. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/**
 * What this process lacks of what tracing with BPF takes: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, which has both.
 */
export function missingBpfCapabilities(): string[] {
  const held = effectiveCapabilities();
  if (held.has("CAP_SYS_ADMIN")) return [];
  return (["CAP_BPF", "CAP_PERFMON"] as const).filter((name) => !held.has(name));
}

/** The error of a bpf(2) that failed; a refusal for privilege names the capabilities that are missing. */
export function bpfError(command: string, number: number, what: string): AmoskysError {
  const call = `bpf(${command})`;
  const errno = errnoName(number);
  if (errno !== "EPERM") return systemError({ call, errno: number, what });
  const capabilities = missingBpfCapabilities();
  const details = { call, errno, capabilities };
  if (capabilities.length === 0) {
    return new AmoskysError("privilege_missing", `${what}: ${call} is not permitted, although CAP_BPF is there`, {
      hint: "run it outside of the container; or kernel lockdown, seccomp or a security module forbids BPF",
      details,
    });
  }
  const verb = capabilities.length > 1 ? "are" : "is";
  return new AmoskysError("privilege_missing", `${what}: ${capabilities.join(" and ")} ${verb} missing`, {
    hint: `sudo amoskys, or a service with AmbientCapabilities=${capabilities.join(" ")}; see amoskys doctor`,
    details,
  });
}
