/**
 * Builds DeviceTelemetry: metrics with units, states and security findings of one device, as one payload. Knows no
 * collector and does no I/O. Nothing durable.
 */
export type { Severity } from "./severity.ts";
export { type DeviceFacts, type MetricOptions, type Samples, TelemetryBuilder, thisHost } from "./telemetry-builder.ts";
