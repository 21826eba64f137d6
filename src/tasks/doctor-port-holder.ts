import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** TCP_LISTEN of net/tcp_states.h, as /proc/net/tcp shows it. */
const listening = "0A";

/** A process. */
export interface PortHolder {
  readonly pid: number;
  /** Its name as the kernel keeps it, 15 bytes at most; from the outside. */
  readonly name: string;
}

/** Inodes of the sockets that listen on a port, out of the text of /proc/net/tcp or tcp6 (proc(5)). */
export function listeningInodes(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === listening && local.endsWith(`:${hex}`) && inode !== undefined ? [inode] : [];
  });
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

function holds(pid: string, links: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return links.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        // closed meanwhile
        return false;
      }
    });
  } catch {
    // ended meanwhile, or another user's
    return false;
  }
}

/** Who listens on a TCP port of this network namespace; undefined where it cannot be seen (another user's process). */
export function findPortHolder(port: number): PortHolder | undefined {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readOr(path, ""));
  const links = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`));
  if (links.size === 0) return undefined;
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && holds(name, links));
  return pid === undefined ? undefined : { pid: Number(pid), name: readOr(`/proc/${pid}/comm`, "?").trim() };
}
