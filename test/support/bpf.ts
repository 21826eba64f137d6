import { closeSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { BpfAttributes, type BpfCommand } from "../../src/native/bpf-syscall.ts";
import { missingBpfCapabilities } from "../../src/native/index.ts";

function findObstacle(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "eBPF is used on Linux on x86-64";
  const missing = missingBpfCapabilities();
  if (missing.length > 0) return `loading eBPF programs takes ${missing.join(" and ")}`;
  return existsSync("/sys/kernel/btf/vmlinux") ? undefined : "this kernel has no BTF";
}

let told = false;

/**
 * Why eBPF programs cannot be loaded here, told once; with CI=true that is an error, so that nothing is skipped there.
 */
export function bpfObstacle(): string | undefined {
  const obstacle = findObstacle();
  if (obstacle === undefined || told) return obstacle;
  told = true;
  if (process.env.CI === "true") throw new Error(obstacle);
  process.stderr.write(`skipped: ${obstacle}\n`);
  return obstacle;
}

const commandsById: Readonly<Record<string, BpfCommand>> = {
  map_id: "BPF_MAP_GET_FD_BY_ID",
  prog_id: "BPF_PROG_GET_FD_BY_ID",
  link_id: "BPF_LINK_GET_FD_BY_ID",
};

/** A map, program or link, by the number that the kernel gave it. */
export interface BpfObject {
  readonly kind: string;
  readonly id: number;
}

/** The maps, programs and links that this process has descriptors of (proc_pid_fdinfo(5)). */
export function ownBpfObjects(): BpfObject[] {
  return readdirSync("/proc/self/fdinfo").flatMap((fd) => {
    let text = "";
    try {
      text = readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    } catch {
      // the descriptor of the folder itself is gone already
    }
    // a link also says which program it runs, so its own line is looked for first
    const kind = ["link_id", "map_id", "prog_id"].find((name) => text.includes(`\n${name}:`));
    return kind ? [{ kind, id: Number(new RegExp(`\n${kind}:\\s*(\\d+)`).exec(text)?.[1]) }] : [];
  });
}

/** Whether an object is still there, in whosever hands. Takes CAP_SYS_ADMIN. */
export function bpfObjectExists({ kind, id }: BpfObject): boolean {
  const fd = new BpfAttributes().u32(0, id).call(commandsById[kind] as BpfCommand);
  if (fd < 0) return false;
  closeSync(fd);
  return true;
}
