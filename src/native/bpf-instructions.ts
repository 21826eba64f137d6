/** Registers of eBPF: R0 result, R1 to R5 arguments, R6 to R9 kept by calls, R10 the end of the stack. */
export const registers = { R0: 0, R1: 1, R2: 2, R3: 3, R4: 4, R5: 5, R6: 6, R7: 7, R8: 8, R9: 9, R10: 10 } as const;

export type BpfRegister = keyof typeof registers;

/** Instruction classes, linux/bpf_common.h and linux/bpf.h. */
export const classes = { BPF_LD: 0x00, BPF_LDX: 0x01, BPF_ST: 0x02, BPF_STX: 0x03, BPF_JMP: 0x05, BPF_ALU64: 0x07 };

/** Sizes and modes of loads and stores. */
export const sizes = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 } as const;
export type BpfSize = keyof typeof sizes;
export const modes = { BPF_IMM: 0x00, BPF_MEM: 0x60, BPF_ATOMIC: 0xc0 };

/** Where the second operand is: in the instruction, or in a register. */
export const BPF_K = 0x00;
export const BPF_X = 0x08;

/** Operations of BPF_ALU64. */
export const operations = {
  add: 0x00,
  subtract: 0x10,
  or: 0x40,
  and: 0x50,
  shiftLeft: 0x60,
  shiftRight: 0x70,
  xor: 0xa0,
  move: 0xb0,
} as const;
export type BpfOperation = keyof typeof operations;

/** Operations of BPF_JMP. Comparisons are of 64 bits, without a sign where there is no `s`. */
export const jumps = {
  always: 0x00,
  "==": 0x10,
  ">": 0x20,
  ">=": 0x30,
  "&": 0x40,
  "!=": 0x50,
  "s>": 0x60,
  "s>=": 0x70,
  call: 0x80,
  exit: 0x90,
  "<": 0xa0,
  "<=": 0xb0,
  "s<": 0xc0,
} as const;
export type BpfComparison = Exclude<keyof typeof jumps, "always" | "call" | "exit">;

/** Atomic operations, in the immediate of BPF_STX | BPF_ATOMIC; compare-and-exchange has BPF_FETCH in it. */
export const atomics = { add: 0x00, compareExchange: 0xf1 } as const;

/** Source register of a 64-bit load that says: the immediate is the descriptor of a map. */
export const BPF_PSEUDO_MAP_FD = 1;

/** Bytes of `struct bpf_insn`. */
export const instructionBytes = 8;

/** enum bpf_func_id of linux/bpf.h. */
export const helpers = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  ktime_get_ns: 5,
  get_current_pid_tgid: 14,
  get_current_uid_gid: 15,
  get_current_cgroup_id: 80,
  probe_read_user: 112,
  probe_read_kernel: 113,
  probe_read_kernel_str: 115,
  ktime_get_boot_ns: 125,
  ringbuf_reserve: 131,
  ringbuf_submit: 132,
  task_storage_get: 156,
  get_current_task_btf: 158,
} as const;
export type BpfHelper = keyof typeof helpers;
