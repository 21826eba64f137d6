/** One mount of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** `MAJOR:MINOR` of the device. */
  readonly device: string;
  /** What of the file system is mounted: `/`, or a folder of it for a bind mount. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  /** A device file, `host:/path`, or a word. */
  readonly source: string;
  readonly isReadOnly: boolean;
}

/** Blanks, tabs, newlines and backslashes are written as octal numbers there. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Parses a mountinfo; lines that are none are left out. */
export function parseMountInfo(text: string): Mount[] {
  const found: Mount[] = [];
  for (const line of text.split("\n")) {
    const separator = line.indexOf(" - ");
    if (separator < 0) continue;
    const [, , device = "", root = "", mountPoint = "", options = ""] = line.slice(0, separator).split(" ");
    const [type = "", source = "", superOptions = ""] = line.slice(separator + 3).split(" ");
    if (mountPoint === "" || type === "") continue;
    const isReadOnly = [options, superOptions].some((list) => list.split(",").includes("ro"));
    found.push({
      device,
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source),
      isReadOnly,
    });
  }
  return found;
}

// file systems that keep data on a disk of this host; images that are always full (squashfs, iso9660, erofs) are none
const diskTypes = new Set(
  (
    "ext2 ext3 ext4 xfs btrfs bcachefs f2fs zfs jfs reiserfs nilfs2 vfat exfat ntfs ntfs3 fuseblk hfs hfsplus udf " +
    "ubifs jffs2 ocfs2 gfs2"
  ).split(" "),
);
const networkTypes = new Set("nfs nfs4 cifs smb3 smbfs ceph glusterfs lustre afs 9p beegfs gpfs fuse.sshfs".split(" "));

/** One entry for each file system that stores something: where it is mounted nearest to the root of the tree. */
export function realMounts(mounts: readonly Mount[], withNetwork: boolean): Mount[] {
  const visible = new Map<string, Mount>();
  for (const mount of mounts) visible.set(mount.mountPoint, mount);
  const bySource = new Map<string, Mount>();
  for (const mount of visible.values()) {
    if (!diskTypes.has(mount.type) && !(withNetwork && networkTypes.has(mount.type))) continue;
    const key = mount.source.startsWith("/dev/") ? mount.source : `${mount.device} ${mount.source}`;
    const other = bySource.get(key);
    if (!other || isNearer(mount, other)) bySource.set(key, mount);
  }
  return [...bySource.values()];
}

/** Whole file systems before folders of them, short paths before long ones. */
function isNearer(mount: Mount, other: Mount): boolean {
  if ((mount.root === "/") !== (other.root === "/")) return mount.root === "/";
  return mount.mountPoint.length < other.mountPoint.length;
}
