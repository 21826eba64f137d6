/**
 * Numbers that each system call interface has room for; a number that is no system call is counted as `unknownNumber`.
 */
export const numbersPerInterface = 512;
export const unknownNumber = numbersPerInterface - 1;

/**
 * How a system call was made. One number (a slot) says interface and number: index in this list times
 * `numbersPerInterface`, plus the number.
 */
export const syscallInterfaces = ["x86-64", "ia32", "x32"] as const;
export const slotCount = syscallInterfaces.length * numbersPerInterface;

/** First slot of an interface. */
export function firstSlotOf(name: (typeof syscallInterfaces)[number]): number {
  return syscallInterfaces.indexOf(name) * numbersPerInterface;
}

/** exit and exit_group of asm/unistd_64.h: they have an entry and never an exit. */
export const slotsWithoutReturn = [60, 231] as const;

/** Latencies are counted by powers of two: the first bucket goes to 2^8 ns, the last but one to 2^38 ns (275 s). */
export const bucketCount = 32;
export const firstBucketPower = 8;

/** Key of the pairs: process (tgid) and slot, 4 bytes each. */
export const pairKey = { process: 0, slot: 4, bytes: 8 } as const;

/** Value of the pairs, counted in one interval; words of 8 bytes. */
export const pairValue = {
  /** Calls that have no duration: exit and exit_group. */
  unmeasured: 0,
  errors: 8,
  totalNs: 16,
  maxNs: 24,
  /** The complement of the shortest duration, so that it begins at 0 and only grows, as the longest does. */
  notMinNs: 32,
  /** Nanoseconds since the start of the system, without sleep: when the pair was seen first. */
  firstNs: 40,
  /** CLOCK_BOOTTIME: when the process started. */
  startNs: 48,
  /** Name of the process (of its first thread), 16 bytes with NUL. */
  name: 56,
  buckets: 72,
  bytes: 72 + bucketCount * 8,
} as const;

/** TASK_COMM_LEN of linux/sched.h. */
export const nameBytes = 16;

/** What each thread has in the kernel while it is in a system call. */
export const callValue = { startNs: 0, slot: 8, bytes: 16 } as const;

/** Calls that found no room among the pairs, by slot, on each processor. */
export const restValue = { calls: 0, errors: 8, bytes: 16 } as const;

/** What went wrong, on each processor. */
export const countersValue = {
  /** Calls that found no room among the pairs; they are in the rest. */
  unattributed: 0,
  /** Executions that found the ring buffer full. */
  lostExecs: 8,
  /** Calls whose start found no memory; they were not counted. */
  uncounted: 16,
  bytes: 24,
} as const;

/** One execution in the ring buffer. */
export const execRecord = {
  /** CLOCK_BOOTTIME, of the execution and of the start of the process. */
  bootNs: 0,
  startNs: 8,
  process: 16,
  parent: 20,
  user: 24,
  group: 28,
  /** Bytes of the arguments in the process; more than the record has where they were cut. */
  argsBytes: 32,
  /** 0, or the negative errno of reading them. */
  argsOutcome: 36,
  file: 40,
  fileBytes: 256,
  /** Number of its control group in the unified tree. */
  cgroup: 296,
  args: 304,
} as const;

/** Bytes of a record of the ring buffer. */
export function execRecordBytes(argsBytesMax: number): number {
  return execRecord.args + argsBytesMax;
}
