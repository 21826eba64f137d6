import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

/**
 * A file system behind FUSE: 1000 blocks of `frsize`, 600 of them free and 500 for ordinary users, 70 inodes, 60 free.
 */
export interface FuseDisk {
  readonly folder: string;
  /** Its line of /proc/self/mountinfo. */
  readonly mountLine: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Why there can be no file system behind FUSE here. CI must be able to. */
export function fuseObstacle(): string | undefined {
  const obstacle = process.getuid?.() === 0 && existsSync("/dev/fuse") ? undefined : "mounting FUSE takes root";
  if (obstacle && process.env.CI === "true") throw new Error(obstacle);
  if (obstacle) process.stderr.write(`skipped: ${obstacle}\n`);
  return obstacle;
}

/** Mounts one of a type such as `fuse.glusterfs`; a silent one never tells how full it is. */
export async function mountFuse(type: string, { bsize = 4096, frsize = 4096, silent = false } = {}): Promise<FuseDisk> {
  const folder = mkdtempSync(join(tmpdir(), "amoskys-fuse-"));
  const program = join(import.meta.dir, "fuse-child.ts");
  const words = [program, folder, type, String(bsize), String(frsize), ...(silent ? ["silent"] : [])];
  const server = Bun.spawn([process.execPath, ...words], { stdout: "ignore", stderr: "inherit" });
  const line = () =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .find((text) => text.includes(folder));
  const unmount = async () => {
    // what waits for an answer is let go when the server ends
    server.kill("SIGKILL");
    await server.exited;
    Bun.spawnSync(["umount", "-l", folder]);
    rmSync(folder, { recursive: true });
  };
  try {
    await eventually(`${type} is mounted`, () => line() !== undefined);
  } catch (caught) {
    await unmount();
    throw caught;
  }
  return { folder, mountLine: `${line()}\n`, [Symbol.asyncDispose]: unmount };
}
