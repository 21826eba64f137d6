import type { CollectedEvent } from "../../core/event.ts";
import { TelemetryBuilder } from "../../telemetry/index.ts";
import { deviceIdOf, type HostChange, type HostReading, serviceText } from "./host-changes.ts";

/** A change of what a network offers is for people to look at; that something ended is for the record. */
const severities = {
  "device.discovered": "WARN",
  "device.hardware_changed": "WARN",
  "port.opened": "WARN",
  "port.closed": "INFO",
  "service.changed": "WARN",
} as const;

function builderFor(host: HostReading, tsNs: bigint, intervalMs: number): TelemetryBuilder {
  const services = host.open.flatMap(({ service }) => (service ? [service.service.toUpperCase()] : []));
  const metadata = {
    ipAddress: host.address,
    openPorts: host.open.map(({ port }) => port),
    protocols: [...new Set(services)],
    ...(host.hardwareAddress === undefined ? {} : { macAddress: host.hardwareAddress }),
    ...(host.vendor === undefined ? {} : { manufacturer: host.vendor }),
    ...(host.name === undefined ? {} : { customProperties: { name: host.name } }),
  };
  const deviceId = deviceIdOf(host);
  const facts = { deviceId, deviceType: "ENDPOINT", protocol: host.method, collector: "scan", metadata, intervalMs };
  return new TelemetryBuilder({ ...facts, deviceType: "ENDPOINT" }, tsNs);
}

/** All that a scan says of a host. In the first scan, where every host is new, nothing is worth a warning. */
export function hostEvents(
  host: HostReading,
  changes: readonly HostChange[],
  scan: { readonly tsNs: bigint; readonly intervalMs: number; readonly isFirst: boolean },
): CollectedEvent[] {
  const builder = builderFor(host, scan.tsNs, scan.intervalMs);
  const isNew = changes.some(({ kind }) => kind === "device.discovered");
  builder.status("INFO", {
    componentName: deviceIdOf(host),
    status: "ONLINE",
    previousStatus: isNew ? "" : "ONLINE",
    ...(isNew ? { statusChangeTimeNs: scan.tsNs } : {}),
  });
  builder.metric("scan.ports.open", host.open.length, "1");
  for (const reading of host.open) {
    const { port, service, banner } = reading;
    builder.metric("scan.port.open", 1, "1", {
      labels: {
        port: String(port),
        transport: "tcp",
        service: service?.service ?? "unknown",
        ...(service?.product === undefined ? {} : { product: service.product }),
        ...(service?.version === undefined ? {} : { version: service.version }),
        ...(banner === undefined ? {} : { banner }),
        ...service?.details,
      },
    });
  }
  for (const change of changes) addChange(builder, host, change, scan.isFirst);
  return builder.build();
}

function addChange(builder: TelemetryBuilder, host: HostReading, change: HostChange, isFirst: boolean): void {
  const { kind, ...rest } = change;
  const attributes = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)]));
  builder.security(
    isFirst ? "INFO" : severities[kind],
    {
      eventCategory: "INTRUSION",
      eventAction: "DETECTED",
      eventOutcome: "UNKNOWN",
      affectedAsset: deviceIdOf(host),
      targetResource: "port" in change ? `${host.address} tcp/${change.port}` : host.address,
      targetType: "port" in change ? "port" : "device",
      requiresInvestigation: !isFirst && severities[kind] === "WARN",
    },
    { event: kind, ...attributes },
  );
}

/** That a host of the last scan does not answer any more; with what it was last. */
export function goneEvents(host: HostReading, scan: { tsNs: bigint; intervalMs: number }): CollectedEvent[] {
  const builder = builderFor({ ...host, open: [] }, scan.tsNs, scan.intervalMs);
  builder.status("WARN", {
    componentName: deviceIdOf(host),
    status: "OFFLINE",
    previousStatus: "ONLINE",
    statusChangeTimeNs: scan.tsNs,
  });
  builder.text("scan.last_services", host.open.map((reading) => `${reading.port} ${serviceText(reading)}`).join(", "));
  return builder.build();
}
