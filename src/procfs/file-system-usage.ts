import { statfs } from "node:fs/promises";

/** statfs(2) of a mounted file system. */
export interface FileSystemUsage {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** What an ordinary user may still write. */
  readonly availableBytes: number;
  /** 0 where the file system has no fixed number of them. */
  readonly inodes: number;
  readonly inodesFree: number;
}

/** Paths that were asked and have not answered: asking them again would use up one more thread. */
const pending = new Set<string>();

/**
 * Undefined where the file system is gone, denied, or does not answer within `timeoutMs`: a lost server holds the call.
 */
export async function readFileSystemUsage(path: string, timeoutMs: number): Promise<FileSystemUsage | undefined> {
  if (pending.has(path)) return undefined;
  pending.add(path);
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const asked = statfs(path)
    .catch(() => undefined)
    .finally(() => pending.delete(path));
  const answer = await Promise.race([asked, late]);
  clearTimeout(timer);
  if (answer === undefined) return undefined;
  const { bsize, blocks, bfree, bavail, files, ffree } = answer;
  return {
    sizeBytes: blocks * bsize,
    freeBytes: bfree * bsize,
    availableBytes: bavail * bsize,
    inodes: files,
    inodesFree: ffree,
  };
}
