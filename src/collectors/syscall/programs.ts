import { BpfAssembler, type BpfMap, type BpfRegister } from "../../native/index.ts";
import type { KernelOffsets } from "./kernel-offsets.ts";
import {
  bucketCount,
  callValue,
  countersValue,
  firstBucketPower,
  firstSlotOf,
  nameBytes,
  pairValue,
  restValue,
  slotsWithoutReturn,
  unknownNumber,
} from "./layout.ts";

/** The maps that both programs use. */
export interface SyscallMaps {
  /** One entry: the hash map of the pairs of this interval. */
  readonly current: BpfMap;
  /** One entry of zeros, what a pair begins as. */
  readonly blank: BpfMap;
  /** What each thread is in the middle of. */
  readonly calls: BpfMap;
  readonly rest: BpfMap;
  readonly counters: BpfMap;
}

// linux/bpf.h
const BPF_NOEXIST = 1;
const BPF_LOCAL_STORAGE_GET_F_CREATE = 1;
/** arch/x86/include/asm/thread_info.h: the system call is one of 32 bits. */
const TS_COMPAT = 0x2;
/** asm/unistd.h: __X32_SYSCALL_BIT is bit 30. */
const x32Bit = 30;
/** linux/err.h: results from -MAX_ERRNO to -1 are errors. */
const MAX_ERRNO = 4095;
/** How often a thread tries to raise a value that other threads raise at the same moment. */
const raiseTriesMax = 4;

/** Where the programs keep what they hand to calls, below the end of the stack. */
const stack = { zero: -4, key: -16, keyProcess: -16, keySlot: -12, restSlot: -12, nowNs: -24, leader: -32 } as const;

/** The first and only entry of a map of one: R0 is its value; on `missing` there is none. */
function lookupOnly(p: BpfAssembler, map: BpfMap, missing: string): void {
  p.store("R10", stack.zero, 0, 4);
  p.loadMap("R1", map).address("R2", "R10", stack.zero).call("map_lookup_elem");
  p.jumpIf("R0", "==", 0, missing);
}

/** R8, the number of a system call as it came, becomes its slot. Uses R0, R1, R9; R0 is the thread. */
function slotOfNumber(p: BpfAssembler, offsets: KernelOffsets): void {
  p.move("R9", firstSlotOf("x86-64"));
  p.load("R1", "R0", offsets.threadInfo + offsets.threadStatus, 4);
  p.jumpIf("R1", "&", TS_COMPAT, "of 32 bits");
  p.move("R1", "R8").compute("shiftRight", "R1", x32Bit);
  p.jumpIf("R1", "!=", 1, "number");
  p.compute("xor", "R8", 1 << x32Bit)
    .move("R9", firstSlotOf("x32"))
    .jump("number");
  p.label("of 32 bits").move("R9", firstSlotOf("ia32"));
  p.label("number").jumpIf("R8", "<", unknownNumber, "known").move("R8", unknownNumber);
  p.label("known").compute("add", "R8", "R9");
}

/**
 * R9 becomes the value of the pair whose key is on the stack; a pair that is new gets name and start of its process.
 * Goes to `full` where there is no room, to `end` where there is no map. Uses R0 to R5 and R7.
 */
function findPair(p: BpfAssembler, maps: SyscallMaps, offsets: KernelOffsets): void {
  lookupOnly(p, maps.current, "end");
  p.move("R7", "R0");
  p.move("R1", "R7").address("R2", "R10", stack.key).call("map_lookup_elem");
  p.move("R9", "R0").jumpIf("R0", "!=", 0, "pair");
  lookupOnly(p, maps.blank, "end");
  p.move("R3", "R0").move("R1", "R7").address("R2", "R10", stack.key).move("R4", BPF_NOEXIST).call("map_update_elem");
  p.move("R1", "R7").address("R2", "R10", stack.key).call("map_lookup_elem");
  p.jumpIf("R0", "==", 0, "full");
  p.move("R9", "R0");
  p.load("R1", "R10", stack.nowNs, 8).store("R9", pairValue.firstNs, "R1", 8);
  p.call("get_current_task_btf").address("R3", "R0", offsets.firstThread);
  p.address("R1", "R10", stack.leader).move("R2", 8).call("probe_read_kernel");
  p.load("R3", "R10", stack.leader, 8).compute("add", "R3", offsets.name);
  p.address("R1", "R9", pairValue.name).move("R2", nameBytes).call("probe_read_kernel");
  p.load("R3", "R10", stack.leader, 8).compute("add", "R3", offsets.startNs);
  p.address("R1", "R9", pairValue.startNs).move("R2", 8).call("probe_read_kernel");
  p.label("pair");
}

/** Adds one to a word of a value that each processor has for itself (R0). Uses R1. */
export function increase(p: BpfAssembler, offset: number): void {
  p.load("R1", "R0", offset, 8).compute("add", "R1", 1).store("R0", offset, "R1", 8);
}

/** Adds one call, and one error if R8 is one, to the rest: there was no room for the pair. */
function countInRest(p: BpfAssembler, maps: SyscallMaps): void {
  lookupOnly(p, maps.counters, "end");
  increase(p, countersValue.unattributed);
  p.loadMap("R1", maps.rest).address("R2", "R10", stack.restSlot).call("map_lookup_elem");
  p.jumpIf("R0", "==", 0, "end");
  increase(p, restValue.calls);
  unlessError(p, "R8", "end");
  increase(p, restValue.errors);
}

/** Goes on to `label` where the result of a system call is no error. */
function unlessError(p: BpfAssembler, result: BpfRegister, label: string): void {
  p.jumpIf(result, "s>=", 0, label).jumpIf(result, "s<", -MAX_ERRNO, label);
}

/** Makes the word of the pair (R9) at least `candidate`. Uses R0 and R2. */
function raise(p: BpfAssembler, offset: number, candidate: BpfRegister): void {
  const done = p.freshLabel("raised");
  p.load("R0", "R9", offset, 8);
  for (let i = 0; i < raiseTriesMax; i += 1) {
    p.jumpIf("R0", ">=", candidate, done);
    p.move("R2", "R0").compareExchange("R9", offset, candidate).jumpIf("R0", "==", "R2", done);
  }
  p.label(done);
}

/** R0 becomes the bucket of R6 nanoseconds: 0 up to 2^8, 1 up to 2^9, and so on. Uses R1. */
function bucketOf(p: BpfAssembler): void {
  p.move("R0", 0).move("R1", "R6").jumpIf("R1", "==", 0, "bucket");
  // one less, so that 2^n itself still belongs to the bucket that ends there
  p.compute("subtract", "R1", 1).compute("shiftRight", "R1", firstBucketPower);
  p.jumpIf("R1", "==", 0, "bucket").move("R0", 1);
  for (const bits of [32, 16, 8, 4, 2, 1]) {
    const below = p.freshLabel(`below ${bits} bits`);
    p.move("R2", "R1").compute("shiftRight", "R2", bits).jumpIf("R2", "==", 0, below);
    p.move("R1", "R2").compute("add", "R0", bits).label(below);
  }
  p.jumpIf("R0", "<", bucketCount, "bucket").move("R0", bucketCount - 1);
  p.label("bucket");
}

function finish(p: BpfAssembler): Uint8Array {
  return p.label("end").move("R0", 0).exit().assemble();
}

/** Runs at sys_enter(registers, number): notes when the thread began which system call. */
export function enterProgram(maps: SyscallMaps, offsets: KernelOffsets, excludedProcess: number): Uint8Array {
  const p = new BpfAssembler();
  p.load("R8", "R1", 8, 8);
  p.call("get_current_pid_tgid").compute("shiftRight", "R0", 32).jumpIf("R0", "==", excludedProcess, "end");
  p.store("R10", stack.keyProcess, "R0", 4);
  p.call("get_current_task_btf").move("R6", "R0");
  slotOfNumber(p, offsets);
  for (const slot of slotsWithoutReturn) p.jumpIf("R8", "==", slot, "no return");
  p.loadMap("R1", maps.calls).move("R2", "R6").move("R3", 0).move("R4", BPF_LOCAL_STORAGE_GET_F_CREATE);
  p.call("task_storage_get").jumpIf("R0", "==", 0, "no memory").move("R7", "R0");
  p.call("ktime_get_ns").store("R7", callValue.startNs, "R0", 8).store("R7", callValue.slot, "R8", 4).jump("end");

  p.label("no return").store("R10", stack.keySlot, "R8", 4);
  p.call("ktime_get_ns").store("R10", stack.nowNs, "R0", 8);
  findPair(p, maps, offsets);
  p.move("R1", 1).atomicAdd("R9", pairValue.unmeasured, "R1").jump("end");
  p.label("full").move("R8", 0);
  countInRest(p, maps);
  p.jump("end");

  p.label("no memory");
  lookupOnly(p, maps.counters, "end");
  increase(p, countersValue.uncounted);
  return finish(p);
}

/** Runs at sys_exit(registers, result): adds the system call that the thread began to its pair. */
export function exitProgram(maps: SyscallMaps, offsets: KernelOffsets): Uint8Array {
  const p = new BpfAssembler();
  p.load("R8", "R1", 8, 8);
  p.call("get_current_task_btf").move("R2", "R0").loadMap("R1", maps.calls).move("R3", 0).move("R4", 0);
  p.call("task_storage_get").jumpIf("R0", "==", 0, "end").move("R9", "R0");
  // a new thread comes out of the clone that its parent went into: it has begun nothing
  p.load("R6", "R9", callValue.startNs, 8).jumpIf("R6", "==", 0, "end");
  p.call("ktime_get_ns").store("R10", stack.nowNs, "R0", 8);
  p.compute("subtract", "R0", "R6").move("R6", "R0");
  p.store("R9", callValue.startNs, 0, 8);
  p.load("R1", "R9", callValue.slot, 4).store("R10", stack.keySlot, "R1", 4);
  p.call("get_current_pid_tgid").compute("shiftRight", "R0", 32).store("R10", stack.keyProcess, "R0", 4);
  findPair(p, maps, offsets);
  unlessError(p, "R8", "no error");
  p.move("R1", 1).atomicAdd("R9", pairValue.errors, "R1");
  p.label("no error").atomicAdd("R9", pairValue.totalNs, "R6");
  raise(p, pairValue.maxNs, "R6");
  p.move("R1", "R6").compute("xor", "R1", -1);
  raise(p, pairValue.notMinNs, "R1");
  bucketOf(p);
  p.compute("shiftLeft", "R0", 3).compute("add", "R9", "R0").move("R1", 1);
  p.atomicAdd("R9", pairValue.buckets, "R1").jump("end");
  p.label("full");
  countInRest(p, maps);
  return finish(p);
}

/**
 * Answers the process that runs it, as the kernel itself numbers it; in a container that is not what it calls itself.
 */
export function ownProcessProgram(): Uint8Array {
  return new BpfAssembler().call("get_current_pid_tgid").compute("shiftRight", "R0", 32).exit().assemble();
}
