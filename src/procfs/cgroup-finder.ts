import { statSync } from "node:fs";
import type { CgroupPlace } from "./cgroup.ts";
import type { ProcessReader } from "./process-reader.ts";

/** Ids of control groups that are kept; when they are more, all are learnt anew. */
const placesMax = 8192;

/**
 * Finds the control groups of processes that may have ended by the time they are asked for. A group that one process
 * was met in is known by its id from then on; on hosts with trees beside the unified one an id does not say the place.
 */
export class CgroupFinder {
  readonly #reader: Pick<ProcessReader, "cgroup">;
  readonly #folder: string;
  readonly #places = new Map<bigint, CgroupPlace>();

  /** `folder` is where the unified tree is mounted. */
  constructor(reader: Pick<ProcessReader, "cgroup">, folder = "/sys/fs/cgroup") {
    this.#reader = reader;
    this.#folder = folder;
  }

  /** `id` is that of the group in the unified tree; undefined where nothing is left that could tell. */
  find(pid: number, id: bigint): CgroupPlace | undefined {
    const known = this.#places.get(id);
    if (known) return known;
    const place = this.#reader.cgroup(pid);
    if (!place?.isUnified) return place;
    // a process that is put into its container has moved on since: its group of now is not the one that was asked for
    if (this.#idOf(place.path) !== id) return undefined;
    if (this.#places.size >= placesMax) this.#places.clear();
    this.#places.set(id, place);
    return place;
  }

  /** The kernel numbers groups by the inodes of their folders. */
  #idOf(path: string): bigint | undefined {
    try {
      return statSync(`${this.#folder}${path}`, { bigint: true }).ino;
    } catch {
      return undefined;
    }
  }
}
