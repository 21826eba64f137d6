import { readFileSync, realpathSync, statfsSync } from "node:fs";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { fileSystemKinds, fuseMagic, networkFuse } from "../core/file-systems.ts";
import { parseMountInfo } from "../core/mount-info.ts";

const kinds = new Map(fileSystemKinds.map((kind) => [kind.magic, kind]));

/** What a path lies on. */
export interface FileSystemFacts {
  /** `ext`, `xfs`, `nfs`, `fuse.sshfs`; `0x...` for one without a name here. */
  readonly type: string;
  /** Other hosts have a say in its files: locks and syncs are not this kernel's word alone. */
  readonly network: boolean;
  readonly totalBytes: number;
  /** What an ordinary user may still write. */
  readonly freeBytes: number;
}

/** The type of the mount a path lies on, out of the text of /proc/self/mountinfo (proc(5)); the last mount counts. */
export function mountTypeOf(path: string, mountinfo: string): string | undefined {
  let longest = -1;
  let found: string | undefined;
  for (const { mountPoint, type } of parseMountInfo(mountinfo)) {
    if (mountPoint.length < longest) continue;
    if (path !== mountPoint && !path.startsWith(mountPoint === "/" ? "/" : `${mountPoint}/`)) continue;
    longest = mountPoint.length;
    found = type;
  }
  return found;
}

function kindOf(path: string, magic: number): Pick<FileSystemFacts, "type" | "network"> {
  const kind = kinds.get(magic);
  if (kind) return { type: kind.name, network: kind.place === "network" || kind.place === "shared" };
  if (magic !== fuseMagic) return { type: `0x${magic.toString(16)}`, network: false };
  const type = mountTypeOf(realpathSync(path), readFileSync("/proc/self/mountinfo", "utf8")) ?? "fuse";
  return { type, network: networkFuse.test(type) };
}

/** statfs(2) of an existing path. Throws `file_missing` where there is none. */
export function readFileSystem(path: string): FileSystemFacts {
  try {
    // blocks are counted in units of frsize; bsize is only the best size to read and write (statvfs(3))
    const { type, frsize, blocks, bavail } = statfsSync(path);
    return { ...kindOf(path, type >>> 0), totalBytes: blocks * frsize, freeBytes: bavail * frsize };
  } catch (caught) {
    const code = errnoOf(caught) === "ENOENT" ? "file_missing" : "internal";
    throw new AmoskysError(code, `Cannot ask what "${path}" lies on: ${errnoOf(caught) ?? caught}`, { cause: caught });
  }
}
