import { AmoskysError } from "../core/errors.ts";
import { instructionBytes } from "./bpf-instructions.ts";
import { BpfAttributes, bpfError, cString } from "./bpf-syscall.ts";
import { libc } from "./libc.ts";
import { errnoName } from "./system-error.ts";

/** enum bpf_prog_type of linux/bpf.h. */
const BPF_PROG_TYPE_RAW_TRACEPOINT = 17;
/** The kernel lends helpers that read its memory to programs under a licence that the GPL agrees with. */
const licence = "Dual MIT/GPL";
const logBytes = 1 << 20;
const logCharactersKept = 4000;
/** Bytes of `struct bpf_prog_info` (linux/bpf.h) that are asked for; an older kernel fills fewer. */
const infoBytes = 256;
/** Its `recursion_misses`, zero before Linux 5.12, where the programs of this house cannot be loaded anyway. */
const missesOffset = 208;

/** A program attached to an event of the kernel; it runs until this is closed. */
export interface BpfLink {
  readonly fd: number;
  /** Safe twice. */
  close(): void;
}

/** A program that the kernel has verified. */
export class BpfProgram {
  readonly fd: number;
  readonly name: string;
  #open = true;

  constructor(fd: number, name: string) {
    this.fd = fd;
    this.name = name;
  }

  /** Runs the program once, on behalf of this thread and with a context of zeros; answers the low 32 bits of its R0. */
  run(): number {
    const attributes = new BpfAttributes().u32(0, this.fd);
    attributes.callOrThrow("BPF_PROG_TEST_RUN", `Cannot run the BPF program "${this.name}"`);
    return attributes.read(4);
  }

  /** Has the program run at each event of a tracepoint, with the tracepoint's own arguments as 64-bit words. */
  attachRawTracepoint(tracepoint: string): BpfLink {
    const what = `Cannot attach to the tracepoint ${tracepoint}`;
    const result = new BpfAttributes().pointer(0, cString(tracepoint)).u32(8, this.fd).call("BPF_RAW_TRACEPOINT_OPEN");
    if (result >= 0) return createLink(result);
    if (errnoName(-result) !== "ENOENT") throw bpfError("BPF_RAW_TRACEPOINT_OPEN", -result, what);
    throw new AmoskysError("facility_missing", `${what}: this kernel has none of this name`, {
      hint: "a kernel with CONFIG_FTRACE_SYSCALLS and CONFIG_BPF_EVENTS",
      details: { tracepoint },
    });
  }

  /** How often an event found the program running already on its processor, and was not seen. */
  misses(): number {
    const info = new DataView(new ArrayBuffer(infoBytes));
    const attributes = new BpfAttributes().u32(0, this.fd).u32(4, infoBytes).pointer(8, info);
    attributes.callOrThrow("BPF_OBJ_GET_INFO_BY_FD", `Cannot ask about the BPF program "${this.name}"`);
    return Number(info.getBigUint64(missesOffset, true));
  }

  /** Safe twice. Links keep the program running. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libc().close(this.fd);
  }
}

function createLink(fd: number): BpfLink {
  let open = true;
  return {
    fd,
    close: () => {
      if (!open) return;
      open = false;
      libc().close(fd);
    },
  };
}

/** What the verifier has to say, without its statistics. */
function refusalOf(log: string): string | undefined {
  const lines = log
    .split("\n")
    .filter((line) => line !== "" && !/^(processed \d+ insns|max_states|verification time|stack depth)/.test(line));
  return lines.at(-1);
}

function tryLoad(name: string, instructions: Uint8Array, log: Uint8Array | undefined): number {
  const attributes = new BpfAttributes()
    .u32(0, BPF_PROG_TYPE_RAW_TRACEPOINT)
    .u32(4, instructions.length / instructionBytes)
    .pointer(8, instructions)
    .pointer(16, cString(licence))
    .name(48, name);
  if (log) attributes.u32(24, 1).u32(28, log.length).pointer(32, log);
  return attributes.call("BPF_PROG_LOAD");
}

/**
 * Loads a program for raw tracepoints. Throws privilege_missing; facility_missing where the kernel's verifier refuses
 * it, with the verifier's last words in the message and the end of its log in the details.
 */
export function loadBpfProgram(name: string, instructions: Uint8Array): BpfProgram {
  const what = `Cannot load the BPF program "${name}"`;
  const silent = tryLoad(name, instructions, undefined);
  if (silent >= 0) return new BpfProgram(silent, name);
  if (errnoName(-silent) === "EPERM") throw bpfError("BPF_PROG_LOAD", -silent, what);
  const log = new Uint8Array(logBytes);
  const result = tryLoad(name, instructions, log);
  if (result >= 0) return new BpfProgram(result, name);
  const text = new TextDecoder().decode(log.subarray(0, log.indexOf(0)));
  const refusal = refusalOf(text);
  if (refusal === undefined) throw bpfError("BPF_PROG_LOAD", -result, what);
  throw new AmoskysError("facility_missing", `${what}: the kernel's verifier refused it: ${refusal}`, {
    hint: "amoskys doctor; details hold the verifier's log",
    details: { program: name, errno: errnoName(-result), verifier: text.slice(-logCharactersKept) },
  });
}
