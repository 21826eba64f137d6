import type { Mount } from "../../core/mount-info.ts";
import type {
  CpuTicks,
  DiskStats,
  FileSystemUsage,
  InterfaceStats,
  LoadAverage,
  PressureLine,
  PressureResource,
  SocketStats,
  SystemStat,
  Temperature,
} from "../../procfs/index.ts";

/** A mounted file system and how full it is. */
export interface MeasuredFileSystem {
  readonly mount: Mount;
  readonly usage: FileSystemUsage;
}

/** A mounted file system that did not tell how full it is. */
export interface UnansweredFileSystem {
  readonly mount: Mount;
  readonly outcome: (typeof unansweredOutcomes)[number];
  /** What it answered instead, where it answered. */
  readonly errno?: string;
}

export const unansweredOutcomes = ["silent", "refused"] as const;

/** An interface with what tells it apart from a later one of the same name. */
export interface MeasuredInterface extends InterfaceStats {
  /** Undefined where /sys does not show it. */
  readonly index: number | undefined;
}

/** What the kernel said at one time; what it does not say here is undefined or empty. */
export interface HostSample {
  /** Monotonic. */
  readonly atMs: number;
  readonly uptimeS: number | undefined;
  readonly stat: SystemStat;
  readonly memory: ReadonlyMap<string, number>;
  readonly virtualMemory: ReadonlyMap<string, number>;
  readonly load: LoadAverage | undefined;
  readonly pressure: ReadonlyMap<PressureResource, readonly PressureLine[]>;
  readonly disks: readonly DiskStats[];
  readonly interfaces: readonly MeasuredInterface[];
  readonly fileSystems: readonly MeasuredFileSystem[];
  readonly unanswered: readonly UnansweredFileSystem[];
  /** Of the network namespace that the agent is in. */
  readonly sockets: SocketStats;
  /** Of a page of memory. */
  readonly pageBytes: number;
  readonly temperatures: readonly Temperature[];
  /** Hertz by processor. */
  readonly frequencies: ReadonlyMap<number, number>;
  readonly files: { readonly open: number; readonly max: number } | undefined;
  /** Parts that could not be read. */
  readonly missing: readonly HostPart[];
}

/** Parts of a sample that may be missing. */
export const hostParts = [
  "memory",
  "load",
  "pressure",
  "disks",
  "interfaces",
  "sockets",
  "file_systems",
  "frequencies",
  "temperatures",
] as const;
export type HostPart = (typeof hostParts)[number];

/** Two samples, and what they are shown with. */
export interface HostInterval {
  readonly before: HostSample;
  readonly now: HostSample;
  readonly seconds: number;
}

/** What a processor does with its time, none of it twice: guests are contained in user and nice. */
export const shownModes = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"] as const;

/** All of a processor's time in ticks. */
export function ticksOf(ticks: CpuTicks): number {
  return shownModes.reduce((sum, mode) => sum + ticks[mode], 0);
}
