import { closeSync, existsSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { formatBytes } from "../core/quantities.ts";
import { type FileSystemFacts, readFileSystem } from "../native/index.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

const syncs = 9;
const syncBytes = 4096;
/** Above this, one sender alone feels the sync at every event. */
const slowMs = 25;
const volatileTypes = new Set(["tmpfs", "ramfs"]);
const lost = "nothing can be kept: no log of an agent, none of the bus";

export interface DiskOptions {
  /** Where logs lie or will lie; absolute. */
  readonly path: string;
  /** Free bytes below which nothing is acknowledged any more. */
  readonly freeBytesMin: number;
  /** What one log may take. */
  readonly logBytesMax: number;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly look?: (path: string) => FileSystemFacts;
}

/** The path itself, or the folder above it that exists: where it would be made. */
export function existingFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingFolder(dirname(path));
}

/** Milliseconds that writing 4 KiB and fdatasync(2) take in a folder: the median of several. Leaves nothing there. */
export function measureSyncMs(folder: string, clock: DiskOptions["clock"]): number {
  const path = join(folder, `.amoskys-doctor-${process.pid}`);
  const times: number[] = [];
  try {
    const fd = openSync(path, "wx", 0o600);
    try {
      const block = new Uint8Array(syncBytes).fill(0xa5);
      for (let i = 0; i < syncs; i += 1) {
        const startMs = clock.monotonicMs();
        writeSync(fd, block);
        fdatasyncSync(fd);
        times.push(clock.monotonicMs() - startMs);
      }
    } finally {
      closeSync(fd);
      rmSync(path, { force: true });
    }
  } catch (caught) {
    throw new AmoskysError("log_io", `Cannot write in ${folder}: ${errnoOf(caught) ?? caught}`, {
      cause: caught,
      hint: "run as the owner of the folder, or set storage.wal_dir",
    });
  }
  return times.sort((a, b) => a - b)[syncs >> 1] as number;
}

function judge(
  facts: FileSystemFacts,
  syncMs: number,
  options: DiskOptions,
): Partial<DoctorCheck> & { status: "ok" | "warn" | "fail" } {
  if (facts.network) {
    return {
      status: "fail",
      code: "log_io",
      lost: "a log on another host's file system is refused: its locks and syncs cannot be relied on",
      hint: "set storage.wal_dir to a local disk",
    };
  }
  if (facts.freeBytes < options.freeBytesMin) {
    return { status: "fail", code: "disk_full", lost: "the bus acknowledges nothing", hint: "free some space" };
  }
  if (volatileTypes.has(facts.type)) {
    return {
      status: "warn",
      lost: "all logs with the next restart of the host",
      hint: "set storage.wal_dir to a disk",
    };
  }
  if (facts.freeBytes < options.freeBytesMin + 2 * options.logBytesMax) {
    return { status: "warn", lost: "logs cannot grow to storage.max_wal_bytes", hint: "free some space" };
  }
  if (syncMs > slowMs) {
    return {
      status: "warn",
      lost: `every acknowledgement waits ${syncMs.toFixed(0)} ms for the disk`,
      hint: "a faster disk",
    };
  }
  return { status: "ok" };
}

/** The disk under the logs: file system, free space, how long a sync takes. */
export function checkDisk(options: DiskOptions): Promise<DoctorCheck> {
  return makeCheck("disk", lost, () => {
    const folder = existingFolder(options.path);
    const facts = (options.look ?? readFileSystem)(folder);
    const syncMs = measureSyncMs(folder, options.clock);
    const { type, freeBytes, totalBytes, network } = facts;
    const sync = syncMs.toFixed(syncMs < 10 ? 2 : 0);
    const found = `${type}, ${formatBytes(freeBytes)} free, sync ${sync} ms, in ${folder}`;
    const figures = { type, network, free_bytes: freeBytes, total_bytes: totalBytes, sync_ms: syncMs };
    return { found, figures, ...judge(facts, syncMs, options) };
  });
}
