import { readFileSync, realpathSync, statfsSync } from "node:fs";
import { AmoskysError, errnoOf } from "../core/errors.ts";

interface FileSystemKind {
  readonly name: string;
  /** Files live on another host: locks and syncs are its word, not this kernel's. */
  readonly network: boolean;
}

// f_type of statfs(2): linux/magic.h and the file systems' own headers
const kinds: ReadonlyMap<number, FileSystemKind> = new Map([
  [0xef53, { name: "ext", network: false }],
  [0x58465342, { name: "xfs", network: false }],
  [0x9123683e, { name: "btrfs", network: false }],
  [0xf2f52010, { name: "f2fs", network: false }],
  [0x2fc12fc1, { name: "zfs", network: false }],
  [0xca451a4e, { name: "bcachefs", network: false }],
  [0x01021994, { name: "tmpfs", network: false }],
  [0x858458f6, { name: "ramfs", network: false }],
  [0x794c7630, { name: "overlay", network: false }],
  [0x73717368, { name: "squashfs", network: false }],
  [0x4d44, { name: "fat", network: false }],
  [0x2011bab0, { name: "exfat", network: false }],
  [0x5346544e, { name: "ntfs", network: false }],
  [0x24051905, { name: "ubifs", network: false }],
  [0x6969, { name: "nfs", network: true }],
  [0x517b, { name: "smb", network: true }],
  [0xff534d42, { name: "cifs", network: true }],
  [0xfe534d42, { name: "smb2", network: true }],
  [0x5346414f, { name: "afs", network: true }],
  [0x6b414653, { name: "kafs", network: true }],
  [0x00c36400, { name: "ceph", network: true }],
  [0x73757245, { name: "coda", network: true }],
  [0x01021997, { name: "9p", network: true }],
  [0x0bd00bd0, { name: "lustre", network: true }],
  [0x19830326, { name: "beegfs", network: true }],
  [0x47504653, { name: "gpfs", network: true }],
  [0x01161970, { name: "gfs2", network: true }],
  [0x7461636f, { name: "ocfs2", network: true }],
  [0x786f4256, { name: "vboxsf", network: true }],
  [0xbacbacbc, { name: "vmhgfs", network: true }],
]);

const FUSE_SUPER_MAGIC = 0x65735546;
/** Types behind FUSE that reach another host, as they appear in /proc/self/mountinfo. */
const networkFuse = /^fuse\.(sshfs|glusterfs|s3fs|gcsfuse|rclone|mount\.|davfs|ceph|juicefs|curlftpfs|vmhgfs)/;

/** What a path lies on. */
export interface FileSystemFacts {
  /** `ext`, `xfs`, `nfs`, `fuse.sshfs`; `0x...` for one without a name here. */
  readonly type: string;
  readonly network: boolean;
  readonly totalBytes: number;
  /** What an ordinary user may still write. */
  readonly freeBytes: number;
}

/** The type of the mount a path lies on, out of the text of /proc/self/mountinfo (proc(5)); the last mount counts. */
export function mountTypeOf(path: string, mountinfo: string): string | undefined {
  let longest = -1;
  let type: string | undefined;
  for (const line of mountinfo.split("\n")) {
    const [head = "", tail = ""] = line.split(" - ");
    const mounted = head.split(" ")[4]?.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
    if (mounted === undefined || mounted.length < longest) continue;
    if (path !== mounted && !path.startsWith(mounted === "/" ? "/" : `${mounted}/`)) continue;
    longest = mounted.length;
    type = tail.split(" ")[0];
  }
  return type;
}

function kindOf(path: string, magic: number): FileSystemKind {
  const kind = kinds.get(magic);
  if (kind) return kind;
  if (magic !== FUSE_SUPER_MAGIC) return { name: `0x${magic.toString(16)}`, network: false };
  const name = mountTypeOf(realpathSync(path), readFileSync("/proc/self/mountinfo", "utf8")) ?? "fuse";
  return { name, network: networkFuse.test(name) };
}

/** statfs(2) of an existing path. Throws `file_missing` where there is none. */
export function readFileSystem(path: string): FileSystemFacts {
  try {
    const { type, bsize, blocks, bavail } = statfsSync(path);
    const { name, network } = kindOf(path, type >>> 0);
    return { type: name, network, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch (caught) {
    const code = errnoOf(caught) === "ENOENT" ? "file_missing" : "internal";
    throw new AmoskysError(code, `Cannot ask what "${path}" lies on: ${errnoOf(caught) ?? caught}`, { cause: caught });
  }
}
