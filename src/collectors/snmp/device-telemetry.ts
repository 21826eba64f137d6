import type { CollectedEvent } from "../../core/event.ts";
import { type SnmpMetricDefinition, snmpMetricNames } from "../../data/snmp-metrics.ts";
import { type Severity, TelemetryBuilder } from "../../telemetry/index.ts";
import type { CounterWatch } from "./counter-watch.ts";
import { identifyDevice } from "./device-identity.ts";
import type { DeviceStatus } from "./device-status.ts";
import type { InterfaceChange } from "./interface-status.ts";
import type { InterfaceFacts } from "./interfaces.ts";
import type { PlannedObject, SnmpPlan } from "./plan.ts";
import { type DeviceReading, storageTypeColumn, systemObjects } from "./read-device.ts";
import { countOf, numberOf, type SnmpValue, textOf } from "./values.ts";

/** One device after one round. */
export interface DeviceOutcome {
  readonly deviceId: string;
  /** Where it was asked; empty where its name has no address. */
  readonly address: string;
  readonly tags: readonly string[];
  /** Undefined where this host could not ask it. */
  readonly status: DeviceStatus | undefined;
  /** The last that was known; undefined before. */
  readonly previous: DeviceStatus | undefined;
  readonly changedNs: bigint;
  /** Undefined where it did not answer. */
  readonly reading: DeviceReading | undefined;
  readonly counters: CounterWatch;
  /** Hundredths of a second since it began to run; undefined where it does not say. */
  readonly uptimeTicks: number | undefined;
  readonly interfaceChanges: readonly InterfaceChange[];
  /** Why it is not ONLINE. */
  readonly problem: string | undefined;
}

/** Units of the first generation's files, as we give them: our unit, and how many of theirs one of ours is. */
const units: Readonly<Record<string, readonly [unit: string, divisor: number]>> = {
  KB: ["bytes", 1 / 1024], // hrMemorySize counts 1,024 octets (RFC 2790)
  timeticks: ["s", 100],
  bps: ["bit/s", 1],
  percent: ["percent", 1],
  bytes: ["bytes", 1],
};

/** TimeTicks count hundredths of a second (RFC 2578, 7.1.8). */
const nsPerTick = 10_000_000n;

const statusSeverity = { ONLINE: "INFO", DEGRADED: "WARN", OFFLINE: "ERROR" } as const;

/** All that a round saw of a device, as events; each is made when it is asked for, and a large device has many. */
export function* deviceEvents(
  outcome: DeviceOutcome,
  plan: SnmpPlan,
  tsNs: bigint,
  intervalMs: number,
): Generator<CollectedEvent> {
  const { deviceId, reading, problem } = outcome;
  const builder = new TelemetryBuilder(
    { deviceId, deviceType: "NETWORK", protocol: "SNMP", collector: "snmp", metadata: metadataOf(outcome), intervalMs },
    tsNs,
  );
  addStatus(builder, outcome, tsNs);
  for (const change of outcome.interfaceChanges) {
    addInterfaceStatus(builder, change);
    yield* builder.takeFull();
  }
  if (problem !== undefined) builder.text("snmp.device.error", problem);
  if (reading) {
    const judges = judgesOf(plan, outcome.counters);
    for (const object of plan.scalars) addCell(builder, object, reading.scalars.get(object.oid), {}, judges);
    for (const facts of reading.interfaces) {
      addInterface(builder, facts, plan, judges);
      yield* builder.takeFull();
    }
    yield* addTables(builder, reading, plan, judges);
  }
  yield* builder.build();
}

function metadataOf({ reading, address, tags }: DeviceOutcome) {
  const text = (name: keyof typeof systemObjects) => textOf(reading?.scalars.get(systemObjects[name]));
  const objectId = text("sysObjectID");
  const { manufacturer, model: described } = identifyDevice(objectId, text("sysDescr"));
  const { model = described, serialNumber, hardwareVersion, firmwareVersion } = reading?.chassis ?? {};
  return {
    ipAddress: address,
    protocols: ["SNMP"],
    ...(manufacturer === undefined ? {} : { manufacturer }),
    ...(model === undefined ? {} : { model }),
    ...(serialNumber === undefined ? {} : { serialNumber }),
    ...(hardwareVersion === undefined ? {} : { hardwareVersion }),
    ...(firmwareVersion === undefined ? {} : { firmwareVersion }),
    customProperties: {
      ...(objectId === undefined ? {} : { sys_object_id: objectId }),
      ...(tags.length === 0 ? {} : { tags: tags.join(",") }),
    },
  };
}

function addStatus(builder: TelemetryBuilder, outcome: DeviceOutcome, tsNs: bigint): void {
  const { deviceId, status, previous, changedNs, reading, uptimeTicks: ticks } = outcome;
  if (status === undefined) return;
  builder.status(statusSeverity[status], {
    componentName: deviceId,
    status,
    previousStatus: previous ?? "",
    statusChangeTimeNs: changedNs,
    ...(reading ? { responseTimeMs: reading.responseMs } : {}),
    // a reader of counters sees by it that they began anew
    ...(ticks === undefined ? {} : { uptimeSeconds: ticks / 100, lastRestartTimeNs: tsNs - BigInt(ticks) * nsPerTick }),
  });
}

/** An interface that is new or changed; `interface ` stands before its name, so that it is not taken for a device. */
function addInterfaceStatus(builder: TelemetryBuilder, { name, status, previous }: InterfaceChange): void {
  builder.change(`interface ${name}`, status, previous, status === "OFFLINE" ? "WARN" : "INFO");
}

type Thresholds = SnmpMetricDefinition["thresholds"];

/** What says how severe a value is. */
interface Judges {
  gauge(value: number, thresholds: Thresholds): Severity;
  /** By its growth since the round before: the total since the start says nothing of now. */
  counter(name: string, value: number, thresholds: Thresholds): Severity;
}

/** Thresholds are in the unit in which the device counts, as the files of the first generation have them. */
function judgesOf({ appliesThresholds }: SnmpPlan, counters: CounterWatch): Judges {
  const gauge = (value: number, thresholds: Thresholds): Severity => {
    if (!appliesThresholds) return "INFO";
    if (value >= (thresholds?.critical ?? Infinity)) return "CRITICAL";
    return value >= (thresholds?.warning ?? Infinity) ? "WARN" : "INFO";
  };
  return {
    gauge,
    counter: (name, value, thresholds) =>
      appliesThresholds && thresholds ? gauge(counters.growth(name, value) ?? -Infinity, thresholds) : "INFO",
  };
}

/** `snmp.CATEGORY.NAME` in lower case for objects that have no name of ours. */
function metricName({ category, name }: PlannedObject): string {
  const plain = (text: string) =>
    text
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, "_");
  return snmpMetricNames[name] ?? `snmp.${plain(category)}.${plain(name)}`;
}

/** One value as it is in the MIB, in our unit; what the device does not have is left out. */
function addCell(
  builder: TelemetryBuilder,
  object: PlannedObject,
  value: SnmpValue | undefined,
  labels: Readonly<Record<string, string>>,
  judges: Judges,
): void {
  const number = object.type === "string" ? undefined : numberOf(value);
  if (number === undefined) {
    const text = textOf(value) ?? (object.type === "string" ? numberOf(value)?.toString() : undefined);
    if (text) builder.text(metricName(object), text, labels);
    return;
  }
  const [unit, divisor] = units[object.unit ?? ""] ?? ["1", 1];
  const isCounter = object.type === "counter";
  builder.metric(metricName(object), number / divisor, unit, {
    type: isCounter ? "COUNTER" : "GAUGE",
    labels,
    severity: isCounter
      ? judges.counter(`${object.oid}.${labels.index ?? ""}`, number, object.thresholds)
      : judges.gauge(number, object.thresholds),
  });
  addExact(builder, metricName(object), countOf(value), labels);
}

/** All digits of a counter above 2^53, where the metric's number is only the nearest that a double can be. */
function addExact(
  builder: TelemetryBuilder,
  name: string,
  value: number | bigint | undefined,
  labels: Readonly<Record<string, string>>,
): void {
  if (typeof value === "bigint") builder.text(`${name}.exact`, value.toString(), labels);
}

/** Tables by the OID of their rows; the first text of a row names it. */
function* addTables(
  builder: TelemetryBuilder,
  reading: DeviceReading,
  plan: SnmpPlan,
  judges: Judges,
): Generator<CollectedEvent> {
  const tables = Map.groupBy(plan.columns, ({ oid }) => oid.slice(0, oid.lastIndexOf(".")));
  const storageTypes = reading.columns.get(storageTypeColumn);
  for (const objects of tables.values()) {
    const cells = objects.map((object) => ({ object, cells: reading.columns.get(object.oid) }));
    const indexes = new Set(cells.flatMap((column) => [...(column.cells?.keys() ?? [])]));
    const naming = cells.find(({ object }) => object.type === "string")?.cells;
    for (const index of indexes) {
      const name = textOf(naming?.get(index));
      const labels = { index, ...(name ? { name } : {}) };
      const row = new Map(cells.map(({ object, cells: column }) => [object.name, column?.get(index)]));
      for (const { object } of cells) {
        if (isStorage(object)) addStorage(builder, object, row, labels, judges, storageTypes?.get(index));
        else addCell(builder, object, row.get(object.name), labels, judges);
      }
      yield* builder.takeFull();
    }
  }
}

/** hrStorageTypes (RFC 2790): virtual memory, fixed disk, flash. */
const fillingTypes = new Set([3, 4, 9].map((type) => `1.3.6.1.2.1.25.2.1.${type}`));

/** Whether a storage has trouble when it is full, or may have; others, such as memory with its caches, always are. */
function fills(type: SnmpValue | undefined): boolean {
  const text = textOf(type);
  return text === undefined || fillingTypes.has(text);
}

function isStorage({ name }: PlannedObject): boolean {
  return name === "hrStorageSize" || name === "hrStorageUsed";
}

/** hrStorage counts in units of its own; ours are bytes, and its thresholds are a share of the size. */
function addStorage(
  builder: TelemetryBuilder,
  object: PlannedObject,
  row: ReadonlyMap<string, SnmpValue | undefined>,
  labels: Readonly<Record<string, string>>,
  judges: Judges,
  type: SnmpValue | undefined,
): void {
  const unitBytes = numberOf(row.get("hrStorageAllocationUnits"));
  const size = numberOf(row.get("hrStorageSize"));
  const value = numberOf(row.get(object.name));
  if (value === undefined) return;
  const share = object.name === "hrStorageUsed" && size && fills(type) ? (100 * value) / size : 0;
  const severity = judges.gauge(share, object.thresholds);
  const [number, unit] = unitBytes === undefined ? [value, "1"] : [value * unitBytes, "bytes"];
  builder.metric(metricName(object), number, unit, { labels, severity });
}

function addInterface(builder: TelemetryBuilder, facts: InterfaceFacts, plan: SnmpPlan, judges: Judges): void {
  const labels = { index: facts.index, ...(facts.name ? { interface: facts.name } : {}) };
  const gauge = (name: string, value: number | undefined, unit: string) => {
    if (value !== undefined) builder.metric(`snmp.interface.${name}`, value, unit, { labels });
  };
  const counter = (
    name: string,
    value: number | bigint | undefined,
    unit: string,
    direction?: "in" | "out",
    object = "",
  ) => {
    if (value === undefined) return;
    const severity = judges.counter(`${object}.${facts.index}`, Number(value), plan.interfaceThresholds[object]);
    const all = direction ? { ...labels, direction } : labels;
    builder.metric(`snmp.interface.${name}`, Number(value), unit, { type: "COUNTER", labels: all, severity });
    addExact(builder, `snmp.interface.${name}`, value, all);
  };
  builder.text("snmp.interface.description", facts.description ?? facts.name ?? "", {
    ...labels,
    ...(facts.alias ? { alias: facts.alias } : {}),
    ...(facts.hardwareAddress ? { hardware_address: facts.hardwareAddress } : {}),
  });
  gauge("type", facts.type, "1");
  gauge("speed", facts.speedBitsPerSecond, "bit/s");
  gauge("counter_discontinuity", facts.discontinuitySeconds, "s");
  gauge("admin_status", facts.adminStatus, "1");
  gauge("oper_status", facts.operStatus, "1");
  counter("bytes_in", facts.bytesIn, "bytes");
  counter("bytes_out", facts.bytesOut, "bytes");
  counter("errors", facts.errorsIn, "1", "in", "ifInErrors");
  counter("errors", facts.errorsOut, "1", "out", "ifOutErrors");
  counter("discards", facts.discardsIn, "1", "in");
  counter("discards", facts.discardsOut, "1", "out");
}
