/**
 * /proc and /sys as the kernel shows them: processes, and what the system counts. Every reader takes the folder where
 * the file system is mounted. Knows no collector and judges nothing; what is missing is undefined. Nothing durable.
 */
export { bootTicks, readBootId, readBootTimeS, readPageBytes, readUptimeS, startTimeNs } from "./boot.ts";
export { type CgroupPlace, containerIdOf, parseCgroup } from "./cgroup.ts";
export { CgroupFinder } from "./cgroup-finder.ts";
export { argumentsCutMark, parseCommandLine } from "./command-line.ts";
export { parseCpuInfoHz, readScalingHz } from "./cpu-frequency.ts";
export { type DiskStats, isWholeDisk, parseDiskStats } from "./disk-stats.ts";
export { entityIdOf } from "./entity-id.ts";
export { FileReader } from "./file-reader.ts";
export { type FileSystemUsage, readFileSystemUsage, type UsageAnswer } from "./file-system-usage.ts";
export { parseMeminfo, parseVmstat } from "./key-values.ts";
export { type LoadAverage, parseLoadAverage } from "./load-average.ts";
export { realMounts } from "./mounts.ts";
export { type InterfaceColumn, type InterfaceStats, parseNetDev } from "./net-dev.ts";
export { type PressureLine, type PressureResource, parsePressure, pressureResources } from "./pressure.ts";
export { type ProcessFacts, ProcessReader, type ReadOutcome } from "./process-reader.ts";
export { createProcessStat, type ProcessStat, parseProcessStat, ticksPerSecond } from "./process-stat.ts";
export { parseSocketStats, type SocketStats } from "./socket-stats.ts";
export {
  type CpuMode,
  type CpuTicks,
  cpuModes,
  parseSystemStat,
  readSystemStat,
  type SystemStat,
} from "./system-stat.ts";
export { readTemperatures, type Temperature } from "./temperatures.ts";
