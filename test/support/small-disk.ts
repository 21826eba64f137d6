import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A small file system of its own. */
export interface SmallDisk {
  readonly folder: string;
  unmount(): void;
}

/** Mounts a file system of so many bytes; undefined where this user may not mount one. CI must be able to. */
export function mountSmallDisk(bytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-disk-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  const unmount = () => {
    if (status === 0) spawnSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true, force: true });
  };
  if (status === 0) return { folder, unmount };
  unmount();
  if (process.env.CI === "true") throw new Error("cannot test with a full disk: no tmpfs can be mounted");
  process.stderr.write("skipped: no tmpfs can be mounted here\n");
  return undefined;
}
