import { hostname } from "node:os";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { CollectedEvent } from "../core/event.ts";
import {
  type DeviceMetadataSchema,
  type SecurityEventSchema,
  type StatusDataSchema,
  TelemetryEventSchema,
} from "../gen/universal_telemetry_pb.ts";
import { MetricEncoder, type MetricFields } from "./metric-encoder.ts";
import { PayloadPacker } from "./payload-packer.ts";
import type { Severity } from "./severity.ts";

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
  readonly type?: MetricFields["metricType"];
  readonly labels?: Readonly<Record<string, string>>;
  /** Where a value is beyond a threshold; otherwise INFO. */
  readonly severity?: Severity;
}

/** What a histogram says beside its buckets, which are labels; in the unit of the metric. */
export interface Samples {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

type EventInit = MessageInitShape<typeof TelemetryEventSchema>;

/** Events made in this process: with it an event_id is unique, whatever devices are told in one millisecond. */
let eventsMade = 0;

/**
 * Gathers what was seen of one device in one round. Every metric carries its unit (UCUM-like: bytes, s, percent, 1).
 * Each event is encoded as it comes, and packed into payloads of at most `bytesMax` bytes.
 */
export class TelemetryBuilder {
  readonly #collector: string;
  readonly #tsNs: bigint;
  readonly #encoder: MetricEncoder;
  readonly #packer: PayloadPacker;
  #size = 0;

  constructor(facts: DeviceFacts, tsNs: bigint, bytesMax = 100_000) {
    const { deviceId, deviceType, protocol, collector, metadata, intervalMs } = facts;
    this.#collector = collector;
    this.#tsNs = tsNs;
    this.#encoder = new MetricEncoder(tsNs, collector);
    const envelope = {
      deviceId,
      deviceType,
      protocol,
      collectionAgent: collector,
      timestampNs: tsNs,
      ...(metadata ? { metadata } : {}),
      ...(intervalMs === undefined ? {} : { collectionIntervalMs: BigInt(Math.round(intervalMs)) }),
    };
    this.#packer = new PayloadPacker(envelope, bytesMax);
  }

  /** How many events were added. */
  get size(): number {
    return this.#size;
  }

  metric(name: string, value: number, unit: string, options: MetricOptions = {}): this {
    const { type = "GAUGE", labels = {}, severity = "INFO" } = options;
    return this.#metric({ metricName: name, metricType: type, numericValue: value, unit, labels }, severity);
  }

  /** A distribution; `sum` is that of all samples. */
  histogram(name: string, sum: number, unit: string, samples: Samples, labels: Readonly<Record<string, string>>): this {
    const { count, min, max, avg } = samples;
    return this.#metric({
      metricName: name,
      metricType: "HISTOGRAM",
      numericValue: sum,
      unit,
      labels,
      minValue: min,
      maxValue: max,
      avgValue: avg,
      sampleCount: count,
    });
  }

  /** A value that is text, such as a description. */
  text(name: string, value: string, labels: Readonly<Record<string, string>> = {}): this {
    return this.#metric({ metricName: name, metricType: "GAUGE", stringValue: value, labels });
  }

  status(severity: Severity, data: MessageInitShape<typeof StatusDataSchema>): this {
    return this.#add({ eventType: "STATUS", severity, statusData: data });
  }

  /** That a component is in another state than before; `before` is undefined where it is new. */
  change(component: string, now: string, before: string | undefined, severity: Severity = "INFO"): this {
    const previousStatus = before ?? "";
    const data = { componentName: component, status: now, previousStatus, statusChangeTimeNs: this.#tsNs };
    return this.status(severity, data);
  }

  security(
    severity: Severity,
    data: MessageInitShape<typeof SecurityEventSchema>,
    attributes: Readonly<Record<string, string>> = {},
  ): this {
    return this.#add({ eventType: "SECURITY", severity, securityEvent: data, attributes: { ...attributes } });
  }

  /**
   * The events that are full since the last call, for a device with so much to tell that it is emitted while it is
   * told; `build` gives the rest.
   */
  takeFull(): CollectedEvent[] {
    return this.#packer.takeFull().map((payload) => this.#collected(payload));
  }

  /** The events to emit that were not taken yet: one, or several where one payload would be larger than `bytesMax`. */
  build(): CollectedEvent[] {
    return this.#packer.takeAll().map((payload) => this.#collected(payload));
  }

  #metric(metric: MetricFields, severity: Severity = "INFO"): this {
    this.#packer.add(this.#encoder.encode(this.#nextId(), severity, metric));
    return this;
  }

  #add(event: EventInit): this {
    const stamp = { eventId: this.#nextId(), eventTimestampNs: this.#tsNs, sourceComponent: this.#collector };
    this.#packer.add(toBinary(TelemetryEventSchema, create(TelemetryEventSchema, { ...stamp, ...event })));
    return this;
  }

  #nextId(): string {
    this.#size += 1;
    eventsMade += 1;
    return `${this.#collector}-${this.#tsNs}-${eventsMade}`;
  }

  #collected(payload: Uint8Array): CollectedEvent {
    return { kind: "device", tsNs: this.#tsNs, payload };
  }
}
