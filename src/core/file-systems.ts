/** Where the files of a file system lie; `shared` is a disk that several hosts write, `image` is always full. */
export type FileSystemPlace = "disk" | "shared" | "network" | "memory" | "image" | "layers";

/** A kind of file system, as people, mountinfo and statfs(2) name it. */
export interface FileSystemKind {
  readonly name: string;
  /** Types in mountinfo. */
  readonly types: readonly string[];
  /** f_type of statfs(2): linux/magic.h and the file systems' own headers. */
  readonly magic: number;
  readonly place: FileSystemPlace;
}

const rows: readonly (readonly [name: string, types: string, magic: number, place: FileSystemPlace])[] = [
  ["ext", "ext2 ext3 ext4", 0xef53, "disk"],
  ["xfs", "xfs", 0x58465342, "disk"],
  ["btrfs", "btrfs", 0x9123683e, "disk"],
  ["f2fs", "f2fs", 0xf2f52010, "disk"],
  ["zfs", "zfs", 0x2fc12fc1, "disk"],
  ["bcachefs", "bcachefs", 0xca451a4e, "disk"],
  ["jfs", "jfs", 0x3153464a, "disk"],
  ["reiserfs", "reiserfs", 0x52654973, "disk"],
  ["nilfs2", "nilfs2", 0x3434, "disk"],
  ["fat", "vfat", 0x4d44, "disk"],
  ["exfat", "exfat", 0x2011bab0, "disk"],
  ["ntfs", "ntfs", 0x5346544e, "disk"],
  ["ntfs3", "ntfs3", 0x7366746e, "disk"],
  ["hfs", "hfs", 0x4244, "disk"],
  ["hfsplus", "hfsplus", 0x482b, "disk"],
  ["udf", "udf", 0x15013346, "disk"],
  ["ubifs", "ubifs", 0x24051905, "disk"],
  ["jffs2", "jffs2", 0x72b6, "disk"],
  ["gfs2", "gfs2", 0x01161970, "shared"],
  ["ocfs2", "ocfs2", 0x7461636f, "shared"],
  ["tmpfs", "tmpfs", 0x01021994, "memory"],
  ["ramfs", "ramfs", 0x858458f6, "memory"],
  ["overlay", "overlay", 0x794c7630, "layers"],
  ["squashfs", "squashfs", 0x73717368, "image"],
  ["nfs", "nfs nfs4", 0x6969, "network"],
  ["smb", "smbfs", 0x517b, "network"],
  ["cifs", "cifs", 0xff534d42, "network"],
  ["smb2", "cifs smb3", 0xfe534d42, "network"],
  ["afs", "afs", 0x5346414f, "network"],
  ["kafs", "afs", 0x6b414653, "network"],
  ["ceph", "ceph", 0x00c36400, "network"],
  ["coda", "coda", 0x73757245, "network"],
  ["9p", "9p", 0x01021997, "network"],
  ["lustre", "lustre", 0x0bd00bd0, "network"],
  ["beegfs", "beegfs", 0x19830326, "network"],
  ["gpfs", "gpfs", 0x47504653, "network"],
  ["vboxsf", "vboxsf", 0x786f4256, "network"],
  ["vmhgfs", "vmhgfs", 0xbacbacbc, "network"],
];

/** The file systems of the kernel and of well-known modules; those behind FUSE go by their type alone. */
export const fileSystemKinds: readonly FileSystemKind[] = rows.map(([name, types, magic, place]) => ({
  name,
  types: types.split(" "),
  magic,
  place,
}));

/** f_type of everything behind FUSE (linux/magic.h), and the type there of what lies on a disk of this host. */
export const fuseMagic = 0x65735546;
export const fuseDiskType = "fuseblk";

/** Types behind FUSE that reach another host, as they appear in mountinfo. */
export const networkFuse = /^fuse\.(sshfs|glusterfs|s3fs|gcsfuse|rclone|mount\.|davfs|ceph|juicefs|curlftpfs|vmhgfs)/;
