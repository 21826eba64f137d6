import type { CollectedEvent } from "../../core/event.ts";
import { TelemetryBuilder } from "../../telemetry/index.ts";
import { deviceIdOf, type HostChange, type HostReading, serviceText } from "./host-changes.ts";
import { formatPorts } from "./port-list.ts";

/**
 * A change of what a network offers is a finding, for people to look at, and a security event; that something ended or
 * came back is for the record, and a metric.
 */
const severities = {
  "device.discovered": "WARN",
  "device.returned": "INFO",
  "device.hardware_changed": "WARN",
  "device.moved": "INFO",
  "port.opened": "WARN",
  "port.closed": "INFO",
  "service.changed": "WARN",
} as const;

/** Ports of one host that are told one by one; a tar pit has all of them open. */
const portsToldMax = 1024;
/** Changes of one kind on one host that are told one by one; more are told together. */
const changesToldMax = 64;
const portsTextCharsMax = 4096;

function builderFor(host: HostReading, tsNs: bigint, intervalMs: number): TelemetryBuilder {
  const services = host.open.flatMap(({ service }) => (service ? [service.service.toUpperCase()] : []));
  const metadata = {
    ipAddress: host.address,
    openPorts: host.open.slice(0, portsToldMax).map(({ port }) => port),
    protocols: [...new Set(services)],
    ...(host.hardwareAddress === undefined ? {} : { macAddress: host.hardwareAddress }),
    ...(host.vendor === undefined ? {} : { manufacturer: host.vendor }),
    ...(host.name === undefined ? {} : { customProperties: { name: host.name } }),
  };
  const deviceId = deviceIdOf(host);
  const facts = { deviceId, deviceType: "ENDPOINT", protocol: host.method, collector: "scan", metadata, intervalMs };
  return new TelemetryBuilder({ ...facts, deviceType: "ENDPOINT" }, tsNs);
}

/** All that a scan says of a host. In the first scan, where every host is new, nothing is a finding. */
export function hostEvents(
  host: HostReading,
  changes: readonly HostChange[],
  scan: { readonly tsNs: bigint; readonly intervalMs: number; readonly isFirst: boolean },
): CollectedEvent[] {
  const builder = builderFor(host, scan.tsNs, scan.intervalMs);
  const isChange = (wanted: HostChange["kind"]) => changes.some(({ kind }) => kind === wanted);
  const previousStatus = isChange("device.discovered") ? "" : isChange("device.returned") ? "OFFLINE" : "ONLINE";
  builder.status("INFO", {
    componentName: deviceIdOf(host),
    status: "ONLINE",
    previousStatus,
    ...(previousStatus === "ONLINE" ? {} : { statusChangeTimeNs: scan.tsNs }),
  });
  builder.metric("scan.ports.open", host.open.length, "1");
  if (host.open.length > portsToldMax) {
    const all = host.open.map(({ port }) => port);
    builder.text("scan.ports.open_list", formatPorts(all, portsTextCharsMax));
  }
  for (const reading of host.open.slice(0, portsToldMax)) {
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
  for (const kind of new Set(changes.map((change) => change.kind))) {
    const same = changes.filter((change) => change.kind === kind);
    if (same.length > changesToldMax) addManyChanges(builder, host, same, scan.isFirst);
    else for (const change of same) addChange(builder, host, change, scan.isFirst);
  }
  return builder.build();
}

function addChange(builder: TelemetryBuilder, host: HostReading, change: HostChange, isFirst: boolean): void {
  const { kind, ...rest } = change;
  const attributes = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, String(value)]));
  const port = "port" in change ? String(change.port) : undefined;
  addTold(builder, host, { kind, port, isFirst, attributes });
}

/** Changes of ports, which alone come in numbers. */
function addManyChanges(
  builder: TelemetryBuilder,
  host: HostReading,
  changes: readonly HostChange[],
  isFirst: boolean,
): void {
  const ports = changes.flatMap((change) => ("port" in change ? [change.port] : []));
  const list = formatPorts(
    ports.sort((a, b) => a - b),
    portsTextCharsMax,
  );
  const attributes = { count: String(changes.length), ports: list };
  addTold(builder, host, { kind: (changes[0] as HostChange).kind, port: list, isFirst, attributes });
}

interface ToldChange {
  readonly kind: HostChange["kind"];
  readonly port: string | undefined;
  readonly isFirst: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

function addTold(builder: TelemetryBuilder, host: HostReading, change: ToldChange): void {
  const { kind, port, isFirst, attributes } = change;
  if (isFirst || severities[kind] === "INFO") {
    builder.text("scan.event", kind, attributes);
    return;
  }
  builder.security(
    severities[kind],
    {
      eventCategory: "INTRUSION",
      eventAction: "DETECTED",
      eventOutcome: "UNKNOWN",
      affectedAsset: deviceIdOf(host),
      targetResource: port === undefined ? host.address : `${host.address} tcp/${port}`,
      targetType: port === undefined ? "device" : "port",
      requiresInvestigation: true,
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
  const last = host.open.slice(0, changesToldMax).map((reading) => `${reading.port} ${serviceText(reading)}`);
  builder.text("scan.last_services", last.join(", "));
  return builder.build();
}
