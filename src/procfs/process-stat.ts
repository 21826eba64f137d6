/**
 * Ticks a second in what /proc shows as time: USER_HZ, 100 on every architecture this runs on (asm-generic/param.h).
 */
export const ticksPerSecond = 100;

/** What /proc/PID/stat says (proc_pid_stat(5)), filled in again and again. */
export interface ProcessStat {
  pid: number;
  /** Where the name lies in the bytes that were parsed; without its parentheses. */
  nameStart: number;
  nameEnd: number;
  /** Character code of the state's letter. */
  state: number;
  ppid: number;
  isKernelThread: boolean;
  userTicks: number;
  systemTicks: number;
  threads: number;
  /** Start of the process in ticks since boot. */
  startTicks: number;
  virtualBytes: number;
  residentPages: number;
  /** Changes with the name. */
  nameHash: number;
  /** Changes when another program is executed, where this user may see addresses; the same for all elsewhere. */
  imageHash: number;
}

/** An empty one, to be filled. */
export function createProcessStat(): ProcessStat {
  return {
    pid: 0,
    nameStart: 0,
    nameEnd: 0,
    state: 0,
    ppid: 0,
    isKernelThread: false,
    userTicks: 0,
    systemTicks: 0,
    threads: 0,
    startTicks: 0,
    virtualBytes: 0,
    residentPages: 0,
    nameHash: 0,
    imageHash: 0,
  };
}

// linux/sched.h
const PF_KTHREAD = 0x0020_0000;

const open = 0x28;
const close = 0x29;
const space = 0x20;
const minus = 0x2d;
const digit0 = 0x30;

// proc_pid_stat(5): field numbers, the first being 1
const fieldPpid = 4;
const fieldFlags = 9;
const fieldUserTicks = 14;
const fieldSystemTicks = 15;
const fieldThreads = 20;
const fieldStart = 22;
const fieldVirtual = 23;
const fieldResident = 24;
const fieldCodeStart = 26;
const fieldStackStart = 28;

/** FNV-1a over a range of bytes, 32 bits. */
function hashRange(bytes: Uint8Array, start: number, end: number, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash >>> 0;
}

/** A whole number, maybe negative, at `start`; digits that are none make the result useless, not the call unsafe. */
function numberAt(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === minus;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at += 1) value = value * 10 + (bytes[at] as number) - digit0;
  return negative ? -value : value;
}

function store(out: ProcessStat, field: number, value: number): void {
  if (field === fieldPpid) out.ppid = value;
  else if (field === fieldFlags) out.isKernelThread = (value & PF_KTHREAD) !== 0;
  else if (field === fieldUserTicks) out.userTicks = value;
  else if (field === fieldSystemTicks) out.systemTicks = value;
  else if (field === fieldThreads) out.threads = value;
  else if (field === fieldStart) out.startTicks = value;
  else if (field === fieldVirtual) out.virtualBytes = value;
  else if (field === fieldResident) out.residentPages = value;
}

/**
 * Parses the first `length` bytes of a /proc/PID/stat. The name may hold anything, parentheses and newlines too: it
 * ends at the last parenthesis. False where the bytes are no stat.
 */
export function parseProcessStat(bytes: Uint8Array, length: number, out: ProcessStat): boolean {
  const nameStart = bytes.indexOf(open) + 1;
  const nameEnd = length === 0 ? -1 : bytes.lastIndexOf(close, length - 1);
  if (nameStart < 3 || nameEnd < nameStart || nameEnd + 3 >= length) return false;
  out.pid = numberAt(bytes, 0, nameStart - 2);
  out.nameStart = nameStart;
  out.nameEnd = nameEnd;
  out.nameHash = hashRange(bytes, nameStart, nameEnd);
  out.state = bytes[nameEnd + 2] as number;
  out.imageHash = 0;
  let at = nameEnd + 4;
  for (let field = fieldPpid; field <= fieldStackStart; field += 1) {
    let end = at;
    while (end < length && (bytes[end] as number) > space) end += 1;
    if (end === at) return field > fieldResident;
    if (field >= fieldCodeStart) out.imageHash = hashRange(bytes, at, end, out.imageHash);
    else store(out, field, numberAt(bytes, at, end));
    at = end + 1;
  }
  return Number.isSafeInteger(out.pid) && out.pid > 0;
}
