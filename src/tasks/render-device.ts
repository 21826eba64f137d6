import { formatDurationMs } from "../core/quantities.ts";
import type { DeviceTelemetry, MetricData, TelemetryEvent } from "../gen/universal_telemetry_pb.ts";
import { fitList } from "./fit-text.ts";
import { shortText, telemetryText } from "./render-metric.ts";

/** The least room for what was seen of a device, in columns. */
const listColumnsMin = 32;

/** What was seen of a device, on one line: of each collector's telemetry first what a person wants first. */
export function deviceLine(device: DeviceTelemetry, columns: number): string {
  const [head, items] = partsOf(device);
  const room = Math.max(listColumnsMin, columns - Bun.stringWidth(head) - 2);
  return `${head}  ${fitList(items, textOf, room)}`;
}

/** A text is an item as it is; an event is only put into words where there is room for it. */
type Item = string | TelemetryEvent;

function textOf(item: Item): string {
  return typeof item === "string" ? item : telemetryText(item);
}

function partsOf(device: DeviceTelemetry): readonly [head: string, items: readonly Item[]] {
  if (device.collectionAgent === "scan") return [scanHead(device), scanItems(device)];
  if (device.collectionAgent === "snmp") return [snmpHead(device), snmpItems(device)];
  return [plainHead(device), device.events.length > 0 ? device.events : ["no events"]];
}

function counted(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}

function plainHead({ deviceId, protocol, collectionAgent: collector }: DeviceTelemetry): string {
  const by = collector === "" || collector.toUpperCase() === protocol ? "" : ` by ${shortText(collector)}`;
  return `${shortText(deviceId) || "device"}${protocol ? ` over ${shortText(protocol)}` : ""}${by}`;
}

/** `NAME (WHAT, ELSE) by COLLECTOR`. */
function namedHead(name: string, more: readonly (string | undefined)[], collector: string): string {
  const others = [...new Set(more)].filter((text) => text && text !== name).map((text) => shortText(text ?? ""));
  return `${shortText(name) || "device"}${others.length > 0 ? ` (${others.join(", ")})` : ""} by ${collector}`;
}

function metricsOf({ events }: DeviceTelemetry, name: string): MetricData[] {
  return events.flatMap(({ metricData }) => (metricData?.metricName === name ? [metricData] : []));
}

function textMetric(device: DeviceTelemetry, name: string): string {
  return metricsOf(device, name)[0]?.stringValue ?? "";
}

/** The state that a device is said to be in as a whole. */
function stateOf({ events }: DeviceTelemetry) {
  return events.find(({ statusData }) => statusData && !statusData.componentName.startsWith("interface "))?.statusData;
}

function scanHead({ deviceId, metadata }: DeviceTelemetry): string {
  const { ipAddress = "", manufacturer = "", customProperties = {} } = metadata ?? {};
  return namedHead(ipAddress || deviceId, [customProperties.name, manufacturer || deviceId], "scan");
}

/** What is new and worth a look, then the open ports. */
function scanItems(device: DeviceTelemetry): Item[] {
  const changes = device.events.flatMap(({ severity, attributes: { event, port, ports = "" } }) =>
    event && severity !== "INFO" ? [shortText(`${event} ${port ?? ports}`.trimEnd())] : [],
  );
  const open = metricsOf(device, "scan.port.open").map(({ labels }) => portText(labels));
  if (stateOf(device)?.status === "OFFLINE") {
    const last = textMetric(device, "scan.last_services");
    return [`OFFLINE${last === "" ? "" : `, last seen with ${shortText(last)}`}`];
  }
  const found = [...changes, ...open];
  return found.length > 0 ? found : ["no open ports"];
}

/** `22/ssh OpenSSH 9.2p1`. */
function portText({ port = "?", service = "unknown", product, version }: Readonly<Record<string, string>>): string {
  const known = service === "unknown" ? port : `${port}/${service}`;
  return shortText([known, product, version].filter(Boolean).join(" "));
}

function snmpHead(device: DeviceTelemetry): string {
  const { ipAddress = "", manufacturer = "", model = "" } = device.metadata ?? {};
  const name = textMetric(device, "snmp.system.name") || device.deviceId;
  const product = [manufacturer, model].filter(Boolean).join(" ");
  return namedHead(name, [device.deviceId, ipAddress, product], "snmp");
}

/** IF-MIB's ifAdminStatus and ifOperStatus (RFC 2863). */
const interfaceStates = { up: 1, down: 2 } as const;

function snmpItems(device: DeviceTelemetry): Item[] {
  const state = stateOf(device);
  const indexes = (name: string, value: number) =>
    metricsOf(device, name).flatMap(({ numericValue, labels }) => (numericValue === value ? [labels.index] : []));
  const wanted = new Set(indexes("snmp.interface.admin_status", interfaceStates.up));
  const down = indexes("snmp.interface.oper_status", interfaceStates.down).filter((index) => wanted.has(index)).length;
  const interfaces = metricsOf(device, "snmp.interface.description").length;
  const changed = device.events.filter((event) => event.statusData && event.severity !== "INFO");
  return [
    shortText(state?.status ?? ""),
    textMetric(device, "snmp.device.error") && shortText(textMetric(device, "snmp.device.error")),
    interfaces > 0 && `${counted(interfaces, "interface")}${down > 0 ? ` (${down} down)` : ""}`,
    ...changed.filter(({ statusData }) => statusData !== state).map(telemetryText),
    state && state.uptimeSeconds > 0 && `up ${formatDurationMs(state.uptimeSeconds * 1000)}`,
    counted(device.events.length, "event"),
  ].filter((text): text is string => typeof text === "string" && text !== "");
}
