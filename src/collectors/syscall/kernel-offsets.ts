import { AmoskysError } from "../../core/errors.ts";
import { loadKernelTypes } from "../../native/index.ts";

const wanted = {
  /** Flags of a thread on x86, among them whether its system call is one of 32 bits. */
  threadStatus: ["thread_info", "status"],
  threadInfo: ["task_struct", "thread_info"],
  firstThread: ["task_struct", "group_leader"],
  name: ["task_struct", "comm"],
  parent: ["task_struct", "real_parent"],
  process: ["task_struct", "tgid"],
  startNs: ["task_struct", "start_boottime"],
  memory: ["task_struct", "mm"],
  argsStart: ["mm_struct", "arg_start"],
  argsEnd: ["mm_struct", "arg_end"],
  file: ["linux_binprm", "filename"],
} as const;

/** Byte offsets of what the programs read in structures of the kernel. */
export type KernelOffsets = Readonly<Record<keyof typeof wanted, number>>;

/** Reads the offsets out of the types of the running kernel. Throws facility_missing, naming what it lacks. */
export function loadKernelOffsets(): KernelOffsets {
  const places = Object.entries(wanted);
  const types = loadKernelTypes([...new Set(places.map(([, [structure]]) => structure))]);
  const found = places.map(([key, [structure, member]]) => {
    const offset = types.offsetOf(structure, member);
    if (offset !== undefined) return [key, offset] as const;
    throw new AmoskysError(
      "facility_missing",
      `This kernel has no ${structure}.${member}: system calls cannot be told`,
      // 5.12 has the youngest of what the programs use: storage of threads at tracepoints, and compare and exchange
      { hint: "Linux 5.12 or newer on x86-64" },
    );
  });
  return Object.fromEntries(found) as KernelOffsets;
}
