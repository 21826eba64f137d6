import { printable } from "../core/escape.ts";
import { formatBytes, formatDurationMs } from "../core/quantities.ts";
import type { MetricData, StatusData, TelemetryEvent } from "../gen/universal_telemetry_pb.ts";

/** Longer texts from the outside are cut on a line for people; `--full` and JSON have them whole. */
const textLengthMax = 96;
/** Labels shown behind a name; `--full` and JSON have the others. */
const labelsMax = 2;
/** What stands before the bound of a bucket in the labels of a histogram. */
const bucketPrefix = "le=";

/** Text from the outside, safe for a terminal and of a bounded length. */
export function shortText(text: string): string {
  const cut = text.length > textLengthMax ? `${text.slice(0, textLengthMax - 1)}…` : text;
  return printable(cut);
}

/** One event of a device: a metric with its labels and unit, a state, or what else it says of itself. */
export function telemetryText(event: TelemetryEvent): string {
  if (event.metricData) return metricText(event.metricData);
  if (event.statusData?.status) return statusText(event.statusData);
  const text = event.logData?.message ?? event.alarmData?.alarmName;
  return [event.severity, event.eventType, text ?? ""].map(shortText).filter(Boolean).join(" ") || "event";
}

function metricText(metric: MetricData): string {
  const name = `${shortText(metric.metricName) || "metric"}${labelText(metric.labels)}`;
  if (metric.stringValue !== "") return `${name} ${shortText(metric.stringValue)}`;
  if (metric.sampleCount === 0n) return `${name} ${amountText(metric.numericValue, metric.unit)}`;
  const mean = amountText(metric.avgValue, metric.unit);
  const max = amountText(metric.maxValue, metric.unit);
  return `${name} ${mean} (mean of ${metric.sampleCount.toLocaleString("en-US")}, max ${max})`;
}

/** A metric with all that it says but its kind: every label, every bucket, the texts whole. */
export function wholeMetricText(metric: MetricData): string {
  const { labels, unit, sampleCount, booleanValue, binaryValue } = metric;
  const entries = Object.entries(labels);
  const named = entries.filter(([name]) => !name.startsWith(bucketPrefix));
  const braced = named.map(([name, value]) => `${printable(name)}=${printable(value)}`).join(" ");
  const value =
    printable(metric.stringValue) ||
    (booleanValue && "true") ||
    (binaryValue.length > 0 && Buffer.from(binaryValue).toString("hex")) ||
    amountText(metric.numericValue, unit);
  const parts = [`${printable(metric.metricName) || "metric"}${braced && `{${braced}}`} ${value}`];
  if (sampleCount > 0n) {
    const [mean, least, most] = [metric.avgValue, metric.minValue, metric.maxValue].map((n) => amountText(n, unit));
    parts.push(`${sampleCount.toLocaleString("en-US")} samples: mean ${mean}, min ${least}, max ${most}`);
  }
  const buckets = entries.filter(([name]) => name.startsWith(bucketPrefix));
  if (buckets.length > 0) parts.push(`up to ${buckets.map((bucket) => bucketText(bucket, unit)).join(", ")}`);
  return parts.join("  ");
}

function bucketText([name, count]: readonly [string, string], unit: string): string {
  const bound = name.slice(bucketPrefix.length);
  const seconds = unit === "s" && bound !== "" ? Number(bound) : Number.NaN;
  return `${Number.isFinite(seconds) ? secondsText(seconds) : printable(bound)}: ${printable(count)}`;
}

/** Labels that tell metrics of one name apart: no bounds of buckets, and no ids that nobody reads. */
function labelText(labels: Readonly<Record<string, string>>): string {
  const shown = Object.entries(labels).filter(([name]) => !name.startsWith(bucketPrefix) && name !== "entity_id");
  if (shown.length === 0) return "";
  return `{${shown
    .slice(0, labelsMax)
    .map(([name, value]) => `${shortText(name)}=${shortText(value)}`)
    .join(" ")}}`;
}

/** A value in its unit, as a person reads it. */
function amountText(value: number, unit: string): string {
  if (!Number.isFinite(value)) return `${value} ${shortText(unit)}`.trimEnd();
  if (unit === "bytes" || unit === "bytes/s") return `${formatBytes(Math.round(value))}${unit.slice("bytes".length)}`;
  if (unit === "s") return secondsText(value);
  if (unit === "percent" || unit === "%") return `${numberText(value)} %`;
  return unit === "1" || unit === "" ? numberText(value) : `${numberText(value)} ${shortText(unit)}`;
}

/** Three digits that count; whole numbers whole. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function secondsText(seconds: number): string {
  const size = Math.abs(seconds);
  if (size >= 10) return formatDurationMs(seconds * 1000);
  if (size >= 1 || size === 0) return `${numberText(seconds)} s`;
  if (size >= 1e-3) return `${numberText(seconds * 1e3)} ms`;
  return size >= 1e-6 ? `${numberText(seconds * 1e6)} µs` : `${numberText(seconds * 1e9)} ns`;
}

function statusText(status: StatusData): string {
  const shares = [
    ["cpu", status.cpuUsagePercent],
    ["memory", status.memoryUsagePercent],
    ["disk", status.diskUsagePercent],
  ] as const;
  const used = shares.filter(([, percent]) => percent > 0).map(([name, percent]) => `${name} ${Math.round(percent)} %`);
  return [shortText(status.componentName), shortText(status.status), ...used].filter(Boolean).join(" ");
}
