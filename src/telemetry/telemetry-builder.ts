import { hostname } from "node:os";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { CollectedEvent } from "../core/event.ts";
import {
  type DeviceMetadataSchema,
  DeviceTelemetrySchema,
  type SecurityEventSchema,
  type StatusDataSchema,
  type TelemetryEventSchema,
} from "../gen/universal_telemetry_pb.ts";

/** Whom the telemetry is about, and who collected it. */
export interface DeviceFacts {
  readonly deviceId: string;
  readonly deviceType: "ENDPOINT" | "NETWORK" | "IOT" | "INDUSTRIAL" | "MEDICAL";
  /** How it was asked: PROC, SNMP, ARP, TCP, GRPC, BPF. */
  readonly protocol: string;
  /** The collector: `host`, `snmp`, ... */
  readonly collector: string;
  readonly metadata?: MessageInitShape<typeof DeviceMetadataSchema>;
  readonly intervalMs?: number;
}

/** This host, seen by a collector each `intervalMs`. */
export function thisHost(collector: string, protocol: string, intervalMs: number): DeviceFacts {
  return { deviceId: hostname(), deviceType: "ENDPOINT", protocol, collector, intervalMs };
}

export interface MetricOptions {
  readonly type?: "GAUGE" | "COUNTER" | "HISTOGRAM" | "SUMMARY";
  readonly labels?: Readonly<Record<string, string>>;
  /** Where a value is beyond a threshold; otherwise INFO. */
  readonly severity?: "INFO" | "WARN" | "ERROR" | "CRITICAL";
}

/** What a histogram says beside its buckets, which are labels; in the unit of the metric. */
export interface Samples {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

type EventInit = MessageInitShape<typeof TelemetryEventSchema>;

/**
 * Gathers what was seen of one device in one round. Every metric carries its unit (UCUM-like: bytes, s, percent, 1).
 */
export class TelemetryBuilder {
  readonly #facts: DeviceFacts;
  readonly #tsNs: bigint;
  readonly #events: EventInit[] = [];

  constructor(facts: DeviceFacts, tsNs: bigint) {
    this.#facts = facts;
    this.#tsNs = tsNs;
  }

  /** How many events are in it. */
  get size(): number {
    return this.#events.length;
  }

  metric(name: string, value: number, unit: string, options: MetricOptions = {}): this {
    const { type = "GAUGE", labels = {}, severity = "INFO" } = options;
    const metricData = { metricName: name, metricType: type, numericValue: value, unit, labels: { ...labels } };
    return this.#add({ eventType: "METRIC", severity, metricData });
  }

  /** A distribution; `sum` is that of all samples. */
  histogram(name: string, sum: number, unit: string, samples: Samples, labels: Readonly<Record<string, string>>): this {
    const { count, min, max, avg } = samples;
    const metricData = {
      metricName: name,
      metricType: "HISTOGRAM",
      numericValue: sum,
      unit,
      labels: { ...labels },
      minValue: min,
      maxValue: max,
      avgValue: avg,
      sampleCount: BigInt(count),
    };
    return this.#add({ eventType: "METRIC", severity: "INFO", metricData });
  }

  /** A value that is text, such as a description. */
  text(name: string, value: string, labels: Readonly<Record<string, string>> = {}): this {
    const metricData = { metricName: name, metricType: "GAUGE", stringValue: value, labels: { ...labels } };
    return this.#add({ eventType: "METRIC", severity: "INFO", metricData });
  }

  status(severity: "INFO" | "WARN" | "ERROR" | "CRITICAL", data: MessageInitShape<typeof StatusDataSchema>): this {
    return this.#add({ eventType: "STATUS", severity, statusData: data });
  }

  security(
    severity: "INFO" | "WARN" | "ERROR" | "CRITICAL",
    data: MessageInitShape<typeof SecurityEventSchema>,
    attributes: Readonly<Record<string, string>> = {},
  ): this {
    return this.#add({ eventType: "SECURITY", severity, securityEvent: data, attributes: { ...attributes } });
  }

  #add(event: EventInit): this {
    const { collector } = this.#facts;
    const eventId = `${collector}-${this.#tsNs}-${this.#events.length + 1}`;
    this.#events.push({ eventId, eventTimestampNs: this.#tsNs, sourceComponent: collector, ...event });
    return this;
  }

  /** The events to emit: one, or several where one payload would be larger than `bytesMax`. */
  build(bytesMax = 100_000): CollectedEvent[] {
    return this.#split(this.#events, bytesMax);
  }

  #split(events: readonly EventInit[], bytesMax: number): CollectedEvent[] {
    const payload = this.#encode(events);
    if (payload.length <= bytesMax || events.length < 2) return [{ kind: "device", tsNs: this.#tsNs, payload }];
    const half = Math.ceil(events.length / 2);
    return [...this.#split(events.slice(0, half), bytesMax), ...this.#split(events.slice(half), bytesMax)];
  }

  #encode(events: readonly EventInit[]): Uint8Array {
    const { deviceId, deviceType, protocol, collector, metadata, intervalMs } = this.#facts;
    const message = create(DeviceTelemetrySchema, {
      deviceId,
      deviceType,
      protocol,
      collectionAgent: collector,
      timestampNs: this.#tsNs,
      events: [...events],
      ...(metadata ? { metadata } : {}),
      ...(intervalMs === undefined ? {} : { collectionIntervalMs: BigInt(Math.round(intervalMs)) }),
    });
    return toBinary(DeviceTelemetrySchema, message);
  }
}
