import type { PortReading } from "./identify-port.ts";

/** One host as a scan saw it. */
export interface HostReading {
  readonly address: string;
  readonly hardwareAddress?: string | undefined;
  readonly vendor?: string | undefined;
  readonly name?: string | undefined;
  /** How it was found. */
  readonly method: "ARP" | "TCP";
  /** Open ports by number. */
  readonly open: readonly PortReading[];
}

/** What is different from the last scan. */
export type HostChange =
  | { readonly kind: "device.discovered" }
  | { readonly kind: "device.hardware_changed"; readonly before: string; readonly after: string }
  | { readonly kind: "port.opened" | "port.closed"; readonly port: number; readonly service: string }
  | { readonly kind: "service.changed"; readonly port: number; readonly before: string; readonly after: string };

/** `ssh OpenSSH 9.2p1`; `unknown` where nothing is known. */
export function serviceText({ service }: PortReading): string {
  if (!service) return "unknown";
  return [service.service, service.product, service.version].filter((part) => part !== undefined).join(" ");
}

/** The device as others call it: by hardware address where that is known. */
export function deviceIdOf({ hardwareAddress, address }: HostReading): string {
  return hardwareAddress ?? address;
}

/** Ports that could not be tried stay as they were. */
export function keepUntried(now: HostReading, before: HostReading | undefined, failed: readonly number[]): HostReading {
  const kept = before?.open.filter(({ port }) => failed.includes(port)) ?? [];
  return kept.length === 0 ? now : { ...now, open: [...now.open, ...kept].sort((a, b) => a.port - b.port) };
}

/** What changed on a host. A service that did not say this time what it is has not changed. */
export function hostChanges(before: HostReading | undefined, now: HostReading): HostChange[] {
  if (!before) return [{ kind: "device.discovered" }];
  const changes: HostChange[] = [];
  const { hardwareAddress: old } = before;
  if (old !== undefined && now.hardwareAddress !== undefined && old !== now.hardwareAddress) {
    changes.push({ kind: "device.hardware_changed", before: old, after: now.hardwareAddress });
  }
  const was = new Map(before.open.map((reading) => [reading.port, reading]));
  for (const reading of now.open) {
    const earlier = was.get(reading.port);
    was.delete(reading.port);
    const after = serviceText(reading);
    if (!earlier) changes.push({ kind: "port.opened", port: reading.port, service: after });
    else if (reading.service && serviceText(earlier) !== after) {
      changes.push({ kind: "service.changed", port: reading.port, before: serviceText(earlier), after });
    }
  }
  for (const reading of was.values()) {
    changes.push({ kind: "port.closed", port: reading.port, service: serviceText(reading) });
  }
  return changes;
}
