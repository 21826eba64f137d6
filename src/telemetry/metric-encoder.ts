import { create, toBinary } from "@bufbuild/protobuf";
import { TelemetryEventSchema } from "../gen/universal_telemetry_pb.ts";
import { BackwardWriter } from "./backward-writer.ts";
import type { Severity } from "./severity.ts";

/** What a MetricData says; a field that is missing has its default. */
export interface MetricFields {
  readonly metricName: string;
  readonly metricType: "GAUGE" | "COUNTER" | "HISTOGRAM" | "SUMMARY";
  readonly numericValue?: number;
  readonly stringValue?: string;
  readonly unit?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly avgValue?: number;
  /** A whole number, not below 0. */
  readonly sampleCount?: number;
}

/** Numbers of the fields in proto/universal_telemetry.proto. */
const eventFields = { eventId: 1, metricData: 5 } as const;
const metricFields = {
  metricName: 1,
  metricType: 2,
  numericValue: 3,
  stringValue: 4,
  unit: 7,
  labels: 8,
  minValue: 9,
  maxValue: 10,
  avgValue: 11,
  sampleCount: 12,
} as const;
/** A map is a repeated message of these (protobuf encoding, "Maps"). */
const entryFields = { key: 1, value: 2 } as const;

/**
 * Encodes TelemetryEvents of type METRIC, which nearly all are, byte for byte as protobuf-es does, in a tenth of its
 * time. What is the same for all events of a round is encoded once.
 */
export class MetricEncoder {
  readonly #tsNs: bigint;
  readonly #component: Uint8Array;
  /** The fields between eventId and metricData, by severity. */
  readonly #heads = new Map<Severity, Uint8Array>();
  readonly #writer = new BackwardWriter();

  constructor(tsNs: bigint, sourceComponent: string) {
    this.#tsNs = tsNs;
    this.#component = toBinary(TelemetryEventSchema, create(TelemetryEventSchema, { sourceComponent }));
  }

  /** The event, as a view that the next call overwrites. */
  encode(eventId: string, severity: Severity, metric: MetricFields): Uint8Array {
    const writer = this.#writer;
    writer.reset();
    writer.raw(this.#component);
    const end = writer.mark();
    this.#metric(metric);
    writer.message(eventFields.metricData, end);
    writer.raw(this.#headOf(severity));
    writer.text(eventFields.eventId, eventId);
    return writer.written();
  }

  #headOf(severity: Severity): Uint8Array {
    let head = this.#heads.get(severity);
    if (head === undefined) {
      const event = { eventType: "METRIC", severity, eventTimestampNs: this.#tsNs };
      head = toBinary(TelemetryEventSchema, create(TelemetryEventSchema, event));
      this.#heads.set(severity, head);
    }
    return head;
  }

  #metric(metric: MetricFields): void {
    const writer = this.#writer;
    const { sampleCount = 0, avgValue = 0, maxValue = 0, minValue = 0, labels } = metric;
    writer.count(metricFields.sampleCount, sampleCount);
    writer.double(metricFields.avgValue, avgValue);
    writer.double(metricFields.maxValue, maxValue);
    writer.double(metricFields.minValue, minValue);
    const keys = Object.keys(labels);
    for (let i = keys.length - 1; i >= 0; i -= 1) {
      const key = keys[i] as string;
      const end = writer.mark();
      writer.text(entryFields.value, labels[key] as string, true);
      writer.text(entryFields.key, key, true);
      writer.message(metricFields.labels, end);
    }
    writer.text(metricFields.unit, metric.unit ?? "");
    writer.text(metricFields.stringValue, metric.stringValue ?? "");
    writer.double(metricFields.numericValue, metric.numericValue ?? 0);
    writer.text(metricFields.metricType, metric.metricType);
    writer.text(metricFields.metricName, metric.metricName);
  }
}
