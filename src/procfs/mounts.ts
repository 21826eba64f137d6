import { fileSystemKinds, fuseDiskType, networkFuse } from "../core/file-systems.ts";
import type { Mount } from "../core/mount-info.ts";

function typesAt(...places: readonly string[]): string[] {
  return fileSystemKinds.filter(({ place }) => places.includes(place)).flatMap(({ types }) => types);
}

const diskTypes = new Set([...typesAt("disk", "shared"), fuseDiskType]);
const networkTypes = new Set(typesAt("network"));

/** One entry for each file system that stores something: where it is mounted nearest to the root of the tree. */
export function realMounts(mounts: readonly Mount[], withNetwork: boolean): Mount[] {
  const visible = new Map<string, Mount>();
  for (const mount of mounts) visible.set(mount.mountPoint, mount);
  const bySource = new Map<string, Mount>();
  for (const mount of visible.values()) {
    if (!diskTypes.has(mount.type) && !(withNetwork && isOfNetwork(mount.type))) continue;
    const key = mount.source.startsWith("/dev/") ? mount.source : `${mount.device} ${mount.source}`;
    const other = bySource.get(key);
    if (!other || isNearer(mount, other)) bySource.set(key, mount);
  }
  return [...bySource.values()];
}

function isOfNetwork(type: string): boolean {
  return networkTypes.has(type) || networkFuse.test(type);
}

/** Whole file systems before folders of them, short paths before long ones. */
function isNearer(mount: Mount, other: Mount): boolean {
  if ((mount.root === "/") !== (other.root === "/")) return mount.root === "/";
  return mount.mountPoint.length < other.mountPoint.length;
}
