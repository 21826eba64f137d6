import { type CapabilityName, effectiveCapabilities } from "../native/index.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

/** What a capability of linux/capability.h is for. */
interface Need {
  readonly role: string;
  readonly capability: CapabilityName;
  /** Has it in it too. */
  readonly orElse?: CapabilityName;
  /** What is lost without it. */
  readonly lost: string;
  /** Without it the agent does not run at all. */
  readonly isVital: boolean;
}

const syscallLost = "agent syscall does not run";

const needs: readonly Need[] = [
  {
    role: "flow",
    capability: "CAP_NET_RAW",
    lost: "agent flow sees no packets of interfaces (files can still be read with --read)",
    isVital: true,
  },
  { role: "syscall", capability: "CAP_BPF", orElse: "CAP_SYS_ADMIN", lost: syscallLost, isVital: true },
  { role: "syscall", capability: "CAP_PERFMON", orElse: "CAP_SYS_ADMIN", lost: syscallLost, isVital: true },
  {
    role: "scan",
    capability: "CAP_NET_RAW",
    lost: "agent scan finds hosts by TCP alone, and no hardware addresses",
    isVital: false,
  },
  {
    role: "proc",
    capability: "CAP_SYS_PTRACE",
    lost: "agent proc does not see which files the processes of others execute",
    isVital: false,
  },
];

/** What the agents may do here. What a role of `roles` cannot run without is a failure, all else a warning. */
export function checkPrivileges(roles: readonly string[], capabilities = effectiveCapabilities): Promise<DoctorCheck> {
  return makeCheck("privileges", "what the agents may do is unknown", () => {
    const held = capabilities();
    const missing = needs.filter(
      ({ capability, orElse }) => !held.has(capability) && (orElse === undefined || !held.has(orElse)),
    );
    const names = (list: readonly Need[]) => [...new Set(list.map(({ capability }) => capability))];
    if (missing.length === 0) return { status: "ok", found: names(needs).join(", ") };
    const isFailure = missing.some(({ role, isVital }) => isVital && roles.includes(role));
    return {
      status: isFailure ? "fail" : "warn",
      found: `no ${names(missing).join(", ")}`,
      lost: [...new Set(missing.map(({ lost }) => lost))].join("; "),
      hint: `sudo amoskys, or a service with AmbientCapabilities=${names(missing).join(" ")}`,
      ...(isFailure && { code: "privilege_missing" as const }),
    };
  });
}
