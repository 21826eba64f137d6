import { AmoskysError } from "../core/errors.ts";
import type { FileReader } from "./file-reader.ts";
import { parseCount, wordsOf } from "./numbers.ts";

/** What a processor did, in the order of /proc/stat (proc_stat(5)). Guests are contained in user and nice. */
export const cpuModes = [
  "user",
  "nice",
  "system",
  "idle",
  "iowait",
  "irq",
  "softirq",
  "steal",
  "guest",
  "guest_nice",
] as const;
export type CpuMode = (typeof cpuModes)[number];

/** Ticks since boot, by mode; 0 for modes that an older kernel does not have. */
export type CpuTicks = Readonly<Record<CpuMode, number>>;

/** /proc/stat; what a kernel does not show is undefined. */
export interface SystemStat {
  readonly all: CpuTicks;
  /** By the number of the processor; those that are offline are missing. */
  readonly processors: ReadonlyMap<number, CpuTicks>;
  readonly interrupts: number | undefined;
  readonly contextSwitches: number | undefined;
  /** Seconds since the Unix epoch. */
  readonly bootTimeS: number | undefined;
  readonly forks: number | undefined;
  readonly running: number | undefined;
  readonly blocked: number | undefined;
}

function cpuTicks(words: readonly string[]): CpuTicks {
  return Object.fromEntries(cpuModes.map((mode, i) => [mode, parseCount(words[i + 1]) ?? 0])) as Record<
    CpuMode,
    number
  >;
}

/** Parses /proc/stat; undefined where it has no line of all processors. */
export function parseSystemStat(text: string): SystemStat | undefined {
  const counts = new Map<string, number | undefined>();
  const processors = new Map<number, CpuTicks>();
  let all: CpuTicks | undefined;
  for (const line of text.split("\n")) {
    const words = wordsOf(line);
    const name = words[0] as string;
    if (name === "cpu") all = cpuTicks(words);
    else if (/^cpu\d+$/.test(name)) processors.set(Number(name.slice(3)), cpuTicks(words));
    else counts.set(name, parseCount(words[1]));
  }
  if (all === undefined) return undefined;
  return {
    all,
    processors,
    interrupts: counts.get("intr"),
    contextSwitches: counts.get("ctxt"),
    bootTimeS: counts.get("btime"),
    forks: counts.get("processes"),
    running: counts.get("procs_running"),
    blocked: counts.get("procs_blocked"),
  };
}

/**
 * Reads /proc/stat. Throws `facility_missing` where there is none and so no proc file system; `setting` names what says
 * where to look, such as `host.proc_root`.
 */
export function readSystemStat(procRoot: string, reader: FileReader, setting: string): SystemStat {
  const stat = parseSystemStat(reader.readText(`${procRoot}/stat`) ?? "");
  if (stat) return stat;
  throw new AmoskysError("facility_missing", `There is no proc file system at "${procRoot}"`, {
    hint: `mount -t proc proc /proc, or set ${setting}`,
  });
}
