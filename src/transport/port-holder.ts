import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { printable } from "../core/escape.ts";

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** The kernel's name of it, safe to print. */
  readonly command: string;
}

/** TCP_LISTEN of include/net/tcp_states.h, as /proc/net/tcp shows it. */
const listening = "0A";

/** Inodes of the sockets that listen on the port, from the tables of proc(5). */
function listeningInodes(port: number): Set<string> {
  const inodes = new Set<string>();
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of read(table).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === listening && fields[9]) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  return inodes;
}

/**
 * Finds who listens on a TCP port, as far as this process may see it. Looks through /proc, so it is for the moment when
 * a start has failed already; undefined where there is no /proc, or the holder belongs to somebody else.
 */
export function findPortHolder(port: number): PortHolder | undefined {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      if (!inodes.has(link(`/proc/${pid}/fd/${fd}`))) continue;
      return { pid: Number(pid), command: printable(read(`/proc/${pid}/comm`).trim()) };
    }
  }
  return undefined;
}

// A process may end, or be another's, between one look and the next: what cannot be read is not the answer.

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
