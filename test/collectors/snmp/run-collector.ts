import { snmpCollector } from "../../../src/collectors/snmp/collector.ts";
import { snmpConfigSchema } from "../../../src/collectors/snmp/config.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { CollectorHealth } from "../../../src/core/collector.ts";
import type { Labels } from "../../../src/core/observer.ts";
import { decodePayload } from "../../../src/envelope/index.ts";
import type { DeviceTelemetry, MetricData, StatusData } from "../../../src/gen/universal_telemetry_pb.ts";

/** What rounds of the collector gave. */
export interface CollectorOutcome {
  readonly telemetry: readonly DeviceTelemetry[];
  readonly health: CollectorHealth;
  /** Log lines with their fields, as text. */
  readonly log: string;
  /** Counts by `name` or `name{label}`. */
  readonly counts: ReadonlyMap<string, number>;
  readonly tookMs: number;
}

/** Runs one round of the collector over a configuration, or `rounds` where there are more, or for a while. */
export async function runCollector(
  config: Record<string, unknown>,
  {
    rounds = 1,
    home = "/",
    between,
    room,
    stopAfterMs,
  }: {
    rounds?: number;
    home?: string;
    between?: (round: number) => void;
    /** Hears how many payloads were emitted when room is asked for. */
    room?: (emitted: number) => void;
    stopAfterMs?: number;
  } = {},
): Promise<CollectorOutcome> {
  const telemetry: DeviceTelemetry[] = [];
  const log: string[] = [];
  const counts = new Map<string, number>();
  let done = 0;
  const finished = Promise.withResolvers<void>();
  const observer = {
    count(metric: string, labels: Labels = {}, by = 1) {
      const key = [metric, ...Object.values(labels)].join(" ");
      counts.set(key, (counts.get(key) ?? 0) + by);
    },
    gauge() {},
    observe(metric: string) {
      if (metric !== "amoskys_agent_round_seconds") return;
      done += 1;
      between?.(done);
      if (done >= rounds) finished.resolve();
    },
    log: (level: string, message: string, fields: object = {}) =>
      void log.push(`${level} ${message} ${JSON.stringify(fields)}`),
  };
  const collector = snmpCollector.create(
    { config: snmpConfigSchema.parse(config), once: rounds === 1 },
    {
      emit: ({ payload }) => {
        const decoded = decodePayload("device", payload);
        if (!decoded.ok) throw new Error(decoded.reason);
        if (decoded.payload.kind === "device") telemetry.push(decoded.payload.event);
      },
      room: async () => room?.(telemetry.length),
      observer,
      clock: systemClock,
      spawnWorker: () => {
        throw new Error("this collector has no thread");
      },
      home,
    },
  );
  const startedMs = performance.now();
  await collector.start();
  await Promise.race([finished.promise, collector.done, ...(stopAfterMs ? [Bun.sleep(stopAfterMs)] : [])]);
  const health = collector.health();
  await collector.stop(2000);
  const tookMs = performance.now() - startedMs;
  return { telemetry, health, log: log.join("\n"), counts, tookMs };
}

/** The metrics of one name; with labels, those that have them. */
export function metricsOf(
  telemetry: readonly DeviceTelemetry[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): MetricData[] {
  return telemetry
    .flatMap(({ events }) => events)
    .flatMap(({ metricData }) => (metricData?.metricName === name ? [metricData] : []))
    .filter((metric) => Object.entries(labels).every(([key, value]) => metric.labels[key] === value));
}

/** The states of devices, one for each telemetry. */
export function statusesOf(telemetry: readonly DeviceTelemetry[]): StatusData[] {
  return allStatuses(telemetry).filter(({ componentName }) => !componentName.startsWith("interface "));
}

/** The states of interfaces that are new or changed. */
export function interfaceStatusesOf(telemetry: readonly DeviceTelemetry[]): StatusData[] {
  return allStatuses(telemetry).filter(({ componentName }) => componentName.startsWith("interface "));
}

function allStatuses(telemetry: readonly DeviceTelemetry[]): StatusData[] {
  return telemetry.flatMap(({ events }) => events).flatMap(({ statusData }) => (statusData ? [statusData] : []));
}
