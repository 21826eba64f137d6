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
  const collector = create(scanConfigSchema.parse({ arp: false, ...config }), true, observer, telemetry, stateFolder);
  await collector.start();
  await collector.done;
  await collector.stop(2000);
  return { kinds: telemetry.flatMap(eventKinds), logged };
}

/** Runs scans straight after each other over a configuration. Throws where the configuration is refused. */
export function runScans(
  config: Record<string, unknown>,
  rounds = 1,
  between?: (round: number) => void,
): Promise<{ telemetry: readonly DeviceTelemetry[]; tookMs: number }> {
  const parsed = scanConfigSchema.parse({ arp: false, ...config });
  return run({ ...parsed, ...(rounds > 1 ? { interval_s: 0.01 } : {}) }, rounds, between);
}

/** Starts a scan and stops it in the middle; how long the stop took. */
export async function stopScanAfter(config: Record<string, unknown>, afterMs: number): Promise<number> {
  const collector = create(scanConfigSchema.parse({ arp: false, ...config }), true, silentObserver, []);
  await collector.start();
  await Bun.sleep(afterMs);
  const startedMs = performance.now();
  await collector.stop(5000);
  return performance.now() - startedMs;
}

async function run(config: ReturnType<typeof scanConfigSchema.parse>, rounds: number, between?: (n: number) => void) {
  const telemetry: DeviceTelemetry[] = [];
  const finished = Promise.withResolvers<void>();
  let done = 0;
  const observer = {
    ...silentObserver,
    observe(metric: string) {
      if (metric !== "amoskys_agent_round_seconds") return;
      done += 1;
      between?.(done);
      if (done >= rounds) finished.resolve();
    },
  };
  const collector = create(config, rounds === 1, observer, telemetry);
  const startedMs = performance.now();
  await collector.start();
  await Promise.race([finished.promise, collector.done]);
  const tookMs = performance.now() - startedMs;
  await collector.stop(2000);
  return { telemetry: telemetry.slice(), tookMs };
}

function create(
  config: ReturnType<typeof scanConfigSchema.parse>,
  once: boolean,
  observer: Observer,
  telemetry: DeviceTelemetry[],
  stateFolder?: string,
): Collector {
  return scanCollector.create(
    { config, once },
    {
      emit: ({ payload }) => {
        const decoded = decodePayload("device", payload);
        if (!decoded.ok) throw new Error(decoded.reason);
        if (decoded.payload.kind === "device") telemetry.push(decoded.payload.event);
      },
      room: () => Promise.resolve(),
      observer,
      clock: systemClock,
      ...(stateFolder === undefined ? {} : { stateFolder }),
      spawnWorker: () => {
        throw new Error("this collector has no thread");
      },
    },
  );
}

/** Severity and kind of the changes in one telemetry. */
export function eventKinds({ events }: DeviceTelemetry): string[] {
  return events
    .flatMap(({ eventType, severity, attributes }) =>
      eventType === "SECURITY" ? [`${severity} ${attributes.event}`] : [],
    )
    .sort();
}

/** Services by open port. */
export function openPorts({ events }: DeviceTelemetry): Map<number, string> {
  const labels = events.flatMap(({ metricData }) =>
    metricData?.metricName === "scan.port.open" ? [metricData.labels] : [],
  );
  return new Map(labels.map(({ port, service }) => [Number(port), service ?? ""]));
}
