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
  | { readonly kind: "device.returned"; readonly away_s: number }
  | { readonly kind: "device.hardware_changed" | "device.moved"; readonly before: string; readonly after: string }
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
  const untried = new Set(failed);
  const kept = before?.open.filter(({ port }) => untried.has(port)) ?? [];
  return kept.length === 0 ? now : { ...now, open: [...now.open, ...kept].sort((a, b) => a.port - b.port) };
}

/** A service that says nothing this time stays what it was, so that its next word is no news. */
export function keepSilent(now: HostReading, before: HostReading | undefined): HostReading {
  const was = new Map(before?.open.map((reading) => [reading.port, reading]));
  return {
    ...now,
    open: now.open.map((reading) => (isSilent(reading) ? (was.get(reading.port) ?? reading) : reading)),
  };
}

/** Devices that have another address than in the last scan, as they were, by their new address. */
export function movedHosts(
  before: ReadonlyMap<string, HostReading> | undefined,
  now: readonly Pick<HostReading, "address" | "hardwareAddress">[],
): Map<string, HostReading> {
  const old = byHardware([...(before?.values() ?? [])]);
  const moved = new Map<string, HostReading>();
  for (const [hardwareAddress, hosts] of byHardware(now)) {
    const [host, ...others] = hosts;
    const [earlier, ...more] = old.get(hardwareAddress) ?? [];
    // a device with several addresses has not moved; an address that was known has its own past
    if (!host || !earlier || others.length + more.length > 0 || before?.has(host.address)) continue;
    moved.set(host.address, earlier);
  }
  return moved;
}

function byHardware<T extends Pick<HostReading, "hardwareAddress">>(hosts: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const host of hosts) {
    if (host.hardwareAddress === undefined) continue;
    const group = groups.get(host.hardwareAddress);
    if (group) group.push(host);
    else groups.set(host.hardwareAddress, [host]);
  }
  return groups;
}

function isSilent({ service, banner }: PortReading): boolean {
  return service === undefined && banner === undefined;
}

/** What changed on a host. A service that did not say this time what it is, or not before, has not changed. */
export function hostChanges(before: HostReading | undefined, now: HostReading): HostChange[] {
  if (!before) return [{ kind: "device.discovered" }];
  const changes: HostChange[] = [];
  const { hardwareAddress: old } = before;
  if (old !== undefined && now.hardwareAddress !== undefined && old !== now.hardwareAddress) {
    changes.push({ kind: "device.hardware_changed", before: old, after: now.hardwareAddress });
  }
  if (before.address !== now.address) {
    changes.push({ kind: "device.moved", before: before.address, after: now.address });
  }
  const was = new Map(before.open.map((reading) => [reading.port, reading]));
  for (const reading of now.open) {
    const earlier = was.get(reading.port);
    was.delete(reading.port);
    const after = serviceText(reading);
    if (!earlier) changes.push({ kind: "port.opened", port: reading.port, service: after });
    else if (isOther(earlier, reading)) {
      changes.push({ kind: "service.changed", port: reading.port, before: serviceText(earlier), after });
    }
  }
  for (const reading of was.values()) {
    changes.push({ kind: "port.closed", port: reading.port, service: serviceText(reading) });
  }
  return changes;
}

/** Of words that were cut short only the kind of service counts. */
function isOther(before: PortReading, now: PortReading): boolean {
  if (isSilent(before) || isSilent(now)) return false;
  const isWhole = before.service?.complete !== false && now.service?.complete !== false;
  return isWhole ? serviceText(before) !== serviceText(now) : before.service?.service !== now.service?.service;
}
