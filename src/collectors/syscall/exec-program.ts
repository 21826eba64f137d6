import { BpfAssembler, type BpfMap, type BpfRegister } from "../../native/index.ts";
import type { KernelOffsets } from "./kernel-offsets.ts";
import { countersValue, execRecord, execRecordBytes } from "./layout.ts";
import { increase } from "./programs.ts";

/** The maps of the program that sees executions. */
export interface ExecMaps {
  readonly ring: BpfMap;
  readonly counters: BpfMap;
}

const stack = { zero: -4, word: -16, end: -24 } as const;

/** Copies 8 bytes of the kernel's memory from `base` + offset to the stack, then into `target`. */
function readWord(p: BpfAssembler, target: BpfRegister, base: BpfRegister, offset: number): void {
  p.address("R3", base, offset).address("R1", "R10", stack.word).move("R2", 8).call("probe_read_kernel");
  p.load(target, "R10", stack.word, 8);
}

/**
 * Runs at sched_process_exec(task, old pid, binary program): puts one record into the ring buffer; one that finds no
 * room is counted. R6 task, R7 binary program, R8 record, R9 memory of the process.
 */
export function execProgram(maps: ExecMaps, offsets: KernelOffsets, argsBytesMax: number): Uint8Array {
  const p = new BpfAssembler();
  p.load("R6", "R1", 0, 8).load("R7", "R1", 16, 8);
  p.loadMap("R1", maps.ring).move("R2", execRecordBytes(argsBytesMax)).move("R3", 0).call("ringbuf_reserve");
  p.jumpIf("R0", "==", 0, "full").move("R8", "R0");

  p.call("ktime_get_boot_ns").store("R8", execRecord.bootNs, "R0", 8);
  readWord(p, "R1", "R6", offsets.startNs);
  p.store("R8", execRecord.startNs, "R1", 8);
  p.call("get_current_pid_tgid").compute("shiftRight", "R0", 32).store("R8", execRecord.process, "R0", 4);
  readWord(p, "R9", "R6", offsets.parent);
  p.address("R3", "R9", offsets.process).address("R1", "R8", execRecord.parent).move("R2", 4);
  p.call("probe_read_kernel");
  p.call("get_current_uid_gid").store("R8", execRecord.user, "R0", 4);
  p.compute("shiftRight", "R0", 32).store("R8", execRecord.group, "R0", 4);
  p.call("get_current_cgroup_id").store("R8", execRecord.cgroup, "R0", 8);
  readWord(p, "R3", "R7", offsets.file);
  p.address("R1", "R8", execRecord.file).move("R2", execRecord.fileBytes).call("probe_read_kernel_str");

  readWord(p, "R9", "R6", offsets.memory);
  readWord(p, "R1", "R9", offsets.argsEnd);
  p.store("R10", stack.end, "R1", 8);
  readWord(p, "R3", "R9", offsets.argsStart);
  p.load("R2", "R10", stack.end, 8).compute("subtract", "R2", "R3").store("R8", execRecord.argsBytes, "R2", 4);
  p.jumpIf("R2", "<=", argsBytesMax, "whole").move("R2", argsBytesMax);
  p.label("whole").address("R1", "R8", execRecord.args).call("probe_read_user");
  p.store("R8", execRecord.argsOutcome, "R0", 4);
  p.move("R1", "R8").move("R2", 0).call("ringbuf_submit").jump("end");

  p.label("full").store("R10", stack.zero, 0, 4);
  p.loadMap("R1", maps.counters).address("R2", "R10", stack.zero).call("map_lookup_elem");
  p.jumpIf("R0", "==", 0, "end");
  increase(p, countersValue.lostExecs);
  return p.label("end").move("R0", 0).exit().assemble();
}
