import { scanCollector, scanConfigSchema } from "../../../src/collectors/scan/index.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { Collector } from "../../../src/core/collector.ts";
import { type LogLevel, type Observer, silentObserver } from "../../../src/core/observer.ts";
import { decodePayload } from "../../../src/envelope/index.ts";
import type { DeviceTelemetry } from "../../../src/gen/universal_telemetry_pb.ts";

/** One scan of an agent that keeps it in a folder, and what it logged. */
export async function scanOnce(config: Record<string, unknown>, stateFolder: string) {
  const telemetry: DeviceTelemetry[] = [];
  const logged: string[] = [];
  const observer = { ...silentObserver, log: (_level: LogLevel, message: string) => void logged.push(message) };
  const options = { config: scanConfigSchema.parse({ arp: false, ...config }), once: true };
  const collector = createScans(options, telemetry, { observer, stateFolder });
  await collector.start();
  await collector.done;
  await collector.stop(2000);
  return { kinds: telemetry.flatMap(eventKinds), logged };
}

export interface ScansSeen {
  readonly telemetry: readonly DeviceTelemetry[];
  readonly tookMs: number;
  /** Changes in the collector's own figures, and in the counter of all agents. */
  readonly changes: readonly [number, number];
  /** How often room was asked for. */
  readonly asked: number;
  readonly logged: readonly string[];
}

/** Runs scans straight after each other over a configuration. Throws where the configuration is refused. */
export function runScans(
  config: Record<string, unknown>,
  rounds = 1,
  between?: (round: number) => void,
): Promise<ScansSeen> {
  const parsed = scanConfigSchema.parse({ arp: false, ...config });
  return run({ ...parsed, ...(rounds > 1 ? { interval_s: 0.01 } : {}) }, rounds, between);
}

/** Starts a scan and stops it in the middle; how long the stop took. */
export async function stopScanAfter(config: Record<string, unknown>, afterMs: number): Promise<number> {
  const collector = createScans({ config: scanConfigSchema.parse({ arp: false, ...config }), once: true }, []);
  await collector.start();
  await Bun.sleep(afterMs);
  const startedMs = performance.now();
  await collector.stop(5000);
  return performance.now() - startedMs;
}

async function run(
  config: ReturnType<typeof scanConfigSchema.parse>,
  rounds: number,
  between?: (n: number) => void,
): Promise<ScansSeen> {
  const telemetry: DeviceTelemetry[] = [];
  const finished = Promise.withResolvers<void>();
  let [done, counted, asked] = [0, 0, 0];
  const logged: string[] = [];
  const observer: Observer = {
    ...silentObserver,
    log: (_level, message) => void logged.push(message),
    count(metric, _labels, by = 1) {
      if (metric === "amoskys_scan_changes_total") counted += by;
    },
    observe(metric) {
      if (metric !== "amoskys_agent_round_seconds") return;
      done += 1;
      between?.(done);
      if (done >= rounds) finished.resolve();
    },
  };
  const room = () => {
    asked += 1;
    return Promise.resolve();
  };
  const collector = createScans({ config, once: rounds === 1 }, telemetry, { observer, room });
  const startedMs = performance.now();
  await collector.start();
  await Promise.race([finished.promise, collector.done]);
  const tookMs = performance.now() - startedMs;
  await collector.stop(2000);
  const changes = [collector.health().figures.changes ?? Number.NaN, counted] as const;
  return { telemetry: telemetry.slice(), tookMs, changes, asked, logged };
}

interface Around {
  readonly observer?: Observer;
  readonly room?: () => Promise<void>;
  readonly stateFolder?: string | undefined;
}

/** The collector, whose telemetry is put into `telemetry`. */
export function createScans(
  options: { readonly config: ReturnType<typeof scanConfigSchema.parse>; readonly once: boolean },
  telemetry: DeviceTelemetry[],
  { observer = silentObserver, room = () => Promise.resolve(), stateFolder }: Around = {},
): Collector {
  return scanCollector.create(options, {
    emit: ({ payload }) => {
      const decoded = decodePayload("device", payload);
      if (!decoded.ok) throw new Error(decoded.reason);
      if (decoded.payload.kind === "device") telemetry.push(decoded.payload.event);
    },
    room,
    observer,
    clock: systemClock,
    ...(stateFolder === undefined ? {} : { stateFolder }),
    spawnWorker: () => {
      throw new Error("this collector has no thread");
    },
  });
}

/** What a host is, what it was, and its changes. */
export function statusOf(telemetry: DeviceTelemetry): string[] {
  const states = telemetry.events.flatMap(({ statusData }) =>
    statusData ? [`${statusData.previousStatus || "nothing"} -> ${statusData.status}`] : [],
  );
  return [...states, ...eventKinds(telemetry)];
}

/** Severity and kind of the changes in one telemetry: findings are security events, all else metrics. */
export function eventKinds({ events }: DeviceTelemetry): string[] {
  return events
    .flatMap(({ eventType, severity, attributes, metricData }) => {
      if (eventType === "SECURITY") return [`${severity} ${attributes.event}`];
      return metricData?.metricName === "scan.event" ? [`${severity} ${metricData.stringValue}`] : [];
    })
    .sort();
}

/** Services by open port. */
export function openPorts({ events }: DeviceTelemetry): Map<number, string> {
  const labels = events.flatMap(({ metricData }) =>
    metricData?.metricName === "scan.port.open" ? [metricData.labels] : [],
  );
  return new Map(labels.map(({ port, service }) => [Number(port), service ?? ""]));
}
