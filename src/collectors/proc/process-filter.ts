import { matchesPattern } from "../../core/name-pattern.ts";
import type { ProcConfig } from "./config.ts";

/** What a filter looks at. */
export interface FilteredProcess {
  readonly pid: number;
  readonly name: string;
  readonly exe: string;
  readonly entityId: string;
}

/** Whether a process has one of the pids, or a name, file name or path that fits one of the patterns. */
export function isListed(process: FilteredProcess, names: readonly string[], pids: readonly number[]): boolean {
  const { pid, name, exe } = process;
  if (pids.includes(pid)) return true;
  const file = exe.slice(exe.lastIndexOf("/") + 1);
  return names.some((pattern) => [name, file, exe].some((text) => text !== "" && matchesPattern(pattern, text)));
}

/** Whether the configuration lets a process through: listed (or no list), no exception, and in the sample. */
export function isSelected(process: FilteredProcess, config: ProcConfig): boolean {
  const { include_names, include_pids, exclude_names, exclude_pids, sample_rate } = config;
  const all = include_names.length === 0 && include_pids.length === 0;
  if (!all && !isListed(process, include_names, include_pids)) return false;
  if (isListed(process, exclude_names, exclude_pids)) return false;
  return Number.parseInt(process.entityId.slice(0, 8), 16) < sample_rate * 2 ** 32;
}
