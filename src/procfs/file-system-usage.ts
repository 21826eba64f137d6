import { statfs } from "node:fs/promises";
import { errnoOf } from "../core/errors.ts";

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

/** What became of the question: `silent` has not answered yet, `refused` answered with that errno. */
export type UsageAnswer =
  | { readonly outcome: "told"; readonly usage: FileSystemUsage }
  | { readonly outcome: "silent" }
  | { readonly outcome: "refused"; readonly errno: string };

/** Paths that were asked and have not answered: asking them again would use up one more thread. */
const pending = new Set<string>();

const silent = { outcome: "silent" } as const;

/** Asks a file system, for at most `timeoutMs`: a lost server or a broken disk holds the call as long as it likes. */
export async function readFileSystemUsage(path: string, timeoutMs: number): Promise<UsageAnswer> {
  if (pending.has(path)) return silent;
  pending.add(path);
  const { promise: late, resolve } = Promise.withResolvers<UsageAnswer>();
  const timer = setTimeout(() => resolve(silent), timeoutMs);
  const answer = await Promise.race([ask(path).finally(() => pending.delete(path)), late]);
  clearTimeout(timer);
  return answer;
}

async function ask(path: string): Promise<UsageAnswer> {
  try {
    // blocks are counted in units of frsize; bsize is only the best size to read and write (statvfs(3))
    const { frsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
    const usage = {
      sizeBytes: blocks * frsize,
      freeBytes: bfree * frsize,
      availableBytes: bavail * frsize,
      inodes: files,
      inodesFree: ffree,
    };
    return { outcome: "told", usage };
  } catch (caught) {
    return { outcome: "refused", errno: errnoOf(caught) ?? String(caught) };
  }
}
