import { readFileSync, statSync } from "node:fs";
import { formatBytes } from "../core/quantities.ts";
import { listInterfaces, openPacketRing } from "../native/index.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

const captureLost = "agent flow sees no packets of interfaces (files can still be read with --read)";
/** Fewer descriptors bound the connections of a bus. */
const descriptorsMin = 4096;
const typesPath = "/sys/kernel/btf/vmlinux";

/** Opens a small packet ring on the loopback, or else the first interface. */
export async function checkPacketRing(captures: boolean): Promise<DoctorCheck> {
  const check = await makeCheck("packet ring", captureLost, () => {
    const interfaces = listInterfaces();
    const name = (interfaces.find(({ loopback }) => loopback) ?? interfaces[0])?.name ?? "lo";
    const ring = openPacketRing({ interface: name, blockBytes: 1 << 16, blocks: 4 });
    ring.close();
    const up = interfaces.filter((one) => one.up && !one.loopback).map((one) => one.name);
    return { status: "ok", found: `opens on ${name} (TPACKET_V3); interfaces that are up: ${up.join(", ") || "none"}` };
  });
  if (captures || check.status !== "fail") return check;
  const { code: _, ...rest } = check;
  return { ...rest, status: "warn" };
}

/** Whether the kernel describes its own types (BTF), which eBPF programs need to be loaded without its headers. */
export function checkKernelTypes(path = typesPath): Promise<DoctorCheck> {
  return makeCheck("kernel types", "", () => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat) return { status: "ok", found: `BTF is there (${formatBytes(stat.size)})` };
    return {
      status: "warn",
      found: "no BTF in this kernel",
      lost: "eBPF programs cannot be fitted to it; capturing flows needs none",
      hint: "a kernel built with CONFIG_DEBUG_INFO_BTF",
    };
  });
}

/** How many descriptors the text of a /proc/PID/limits allows (proc(5)), or undefined where it does not say. */
export function parseDescriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/** How many files and connections this process may have open. */
export function checkDescriptors(read = () => readFileSync("/proc/self/limits", "latin1")): Promise<DoctorCheck> {
  return makeCheck("descriptors", "the bus may refuse connections", () => {
    const limit = parseDescriptorLimit(read());
    if (limit === undefined)
      return { status: "warn", found: "their limit is unknown", lost: "nothing that is known of" };
    const found = `${limit === Number.POSITIVE_INFINITY ? "any number" : limit} at once`;
    if (limit >= descriptorsMin) return { status: "ok", found, figures: { limit } };
    return {
      status: "warn",
      found,
      lost: `a bus with more than about ${Math.floor(limit * 0.9)} agents refuses some`,
      hint: `ulimit -n ${descriptorsMin}, or LimitNOFILE= in the service`,
      figures: { limit },
    };
  });
}
