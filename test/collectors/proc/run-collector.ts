import { systemClock } from "../../../src/core/clock.ts";
import type { Collector } from "../../../src/core/collector.ts";
import type { CollectedEvent } from "../../../src/core/event.ts";
import { silentObserver } from "../../../src/core/observer.ts";
import { decodePayload } from "../../../src/envelope/index.ts";
import type { ProcessEvent } from "../../../src/gen/messaging_schema_pb.ts";
import type { DeviceTelemetry } from "../../../src/gen/universal_telemetry_pb.ts";

/** What a collector has handed on. */
export class Collected {
  readonly processes: ProcessEvent[] = [];
  readonly devices: DeviceTelemetry[] = [];
  readonly refused: CollectedEvent[] = [];

  take(event: CollectedEvent): void {
    const decoded = decodePayload(event.kind, event.payload);
    if (!decoded.ok) this.refused.push(event);
    else if (decoded.payload.kind === "process") this.processes.push(decoded.payload.event);
    else if (decoded.payload.kind === "device") this.devices.push(decoded.payload.event);
  }

  /** Values by name and labels, as in `host.load.1m` or `host.cpu.used{cpu=0,mode=user}`. */
  metrics(): Map<string, number> {
    const found = new Map<string, number>();
    for (const { metricData } of this.devices.flatMap(({ events }) => events)) {
      if (!metricData) continue;
      const labels = Object.entries(metricData.labels).map(([name, value]) => `${name}=${value}`);
      const key = labels.length > 0 ? `${metricData.metricName}{${labels.sort().join(",")}}` : metricData.metricName;
      found.set(key, metricData.numericValue);
    }
    return found;
  }
}

/** What a test gives a collector: real but for the outbox. */
export function contextFor(collected: Collected) {
  return {
    emit: (event: CollectedEvent) => collected.take(event),
    room: () => Promise.resolve(),
    observer: silentObserver,
    clock: systemClock,
    spawnWorker: () => {
      throw new Error("no worker is needed");
    },
  };
}

/** Runs a collector that makes one round to its end. */
export async function runOnce(collector: Collector): Promise<void> {
  await collector.start();
  try {
    await collector.done;
  } finally {
    await collector.stop(1000);
  }
}
