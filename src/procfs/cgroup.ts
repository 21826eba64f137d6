/** Where a process is in the tree of control groups, and the container that this place belongs to. */
export interface CgroupPlace {
  /** Empty where the kernel has no control groups. */
  readonly path: string;
  /** Empty where it is no container's. */
  readonly containerId: string;
  /** The host has the unified tree alone, so that the kernel's id of a group in that tree says the whole place. */
  readonly isUnified: boolean;
}

/** Longer paths are no kernel's (PATH_MAX) and are cut. */
const pathLengthMax = 4096;

// Docker and ECS: /docker/ID, docker-ID.scope; containerd: cri-containerd-ID.scope, :cri-containerd:ID, nerdctl-
// ID.scope, /kubepods/.../podUID/ID; CRI-O: crio-ID.scope; Podman: libpod-ID.scope. Conmon, which watches over a
// container from outside (crio-conmon-ID, libpod-conmon-ID), is none of its processes.
const containerPart =
  /(?:^|[/:])(?:docker|cri-containerd|containerd|nerdctl|crio|libpod)?[-:]?([0-9a-f]{64})(?:\.scope)?$/;

/** The id of the innermost container whose control group lies on the path; empty where there is none. */
export function containerIdOf(path: string): string {
  const parts = path.split("/");
  for (let i = parts.length - 1; i >= 0; i -= 1) {
    const part = parts[i] as string;
    if (part.length < 64) continue;
    const id = containerPart.exec(part)?.[1];
    if (id !== undefined) return id;
  }
  return "";
}

/**
 * Reads the text of /proc/PID/cgroup (cgroups(7)). The path is that of the unified tree; on hosts where that is unused,
 * of systemd's tree, else of the first controller that has one.
 */
export function parseCgroup(text: string): CgroupPlace {
  let best = "";
  let bestRank = 0;
  let containerId = "";
  let trees = 0;
  let isUnified = true;
  for (const line of text.split("\n")) {
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (first < 0 || second < 0) continue;
    const path = line.slice(second + 1, second + 1 + pathLengthMax);
    const tree = line.slice(first + 1, second);
    trees += 1;
    isUnified &&= tree === "";
    containerId ||= containerIdOf(path);
    const rank = path === "/" ? 1 : tree === "" ? 4 : tree === "name=systemd" ? 3 : 2;
    if (rank <= bestRank) continue;
    best = path;
    bestRank = rank;
  }
  return { path: best, containerId, isUnified: isUnified && trees === 1 };
}
