import { readFileSync } from "node:fs";
import { AmoskysError, errnoOf } from "../core/errors.ts";

/** By number, from linux/capability.h. */
const capabilityNames = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

export type CapabilityName = (typeof capabilityNames)[number];

/** The names in the mask that the line `CapEff:` of a /proc/PID/status shows; none where there is no such line. */
export function parseEffectiveCapabilities(status: string): Set<CapabilityName> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]{1,16})$/im.exec(status)?.[1] ?? "0"}`);
  return new Set(capabilityNames.filter((_, number) => ((mask >> BigInt(number)) & 1n) === 1n));
}

/** The effective capabilities of this process (proc(5)). Throws `facility_missing` where there is no /proc. */
export function effectiveCapabilities(path = "/proc/self/status"): ReadonlySet<CapabilityName> {
  try {
    return parseEffectiveCapabilities(readFileSync(path, "latin1"));
  } catch (caught) {
    throw new AmoskysError("facility_missing", `Cannot read ${path}: ${errnoOf(caught) ?? caught}`, { cause: caught });
  }
}
