import type { CollectedEvent } from "../../core/event.ts";
import { formatDurationMs } from "../../core/quantities.ts";
import { TelemetryBuilder } from "../../telemetry/index.ts";
import { type BusSight, figure } from "./decode.ts";
import type { Look } from "./look-history.ts";

/** Figures that a bus tells by name: our name, its name, the unit, the type. */
const toldFigures = [
  ["bus.queue_depth", "inflight", "1", "GAUGE"],
  ["bus.subscribers", "subscribers", "1", "GAUGE"],
  ["bus.log.records", "records", "1", "GAUGE"],
  ["bus.log.free", "free_bytes", "bytes", "GAUGE"],
  ["bus.refused", "refused", "1", "COUNTER"],
  ["bus.log.missing_sequences", "missing_sequences", "1", "GAUGE"],
] as const;

const healthOf = { INFO: "HEALTHY", WARN: "WARNING", CRITICAL: "CRITICAL" } as const;

/** What a look says that the one before did not, as one line for a person. */
export function newsLine({ sight, verdict, before, isRestarted }: Look): string {
  const parts = [verdict.message];
  if (sight.reached && isRestarted) {
    parts.push(`the bus was started ${formatDurationMs(sight.answer.uptimeSeconds * 1000)} ago`);
  }
  if (before) parts.push(`it was ${before.verdict.condition} for ${formatDurationMs(before.lastedMs)}`);
  return parts.join("; ");
}

/**
 * The events of one look, with the time at which it began. What is news comes first, as STATUS and a line of text;
 * a bus that refuses this agent, or whose certificate is not to be trusted, is SECURITY as well. Metrics follow each
 * time.
 */
export function lookEvents(look: Look, bus: { address: string; intervalMs: number }): CollectedEvent[] {
  const { address, intervalMs } = bus;
  const { at, sight, verdict, unansweredMs, failedLooks } = look;
  const builder = new TelemetryBuilder(
    { deviceId: address, deviceType: "ENDPOINT", protocol: "GRPC", collector: "bus", intervalMs },
    at.wallNs,
  );
  if (look.isNews) addNews(builder, look, address);
  builder
    .metric("bus.up", sight.reached ? 1 : 0, "1", { severity: sight.reached ? "INFO" : "CRITICAL" })
    .metric("bus.commits", verdict.commits ? 1 : 0, "1", { severity: verdict.commits ? "INFO" : "CRITICAL" });
  if (sight.reached) addFigures(builder, sight, look.throughput);
  else builder.metric("bus.unanswered", unansweredMs / 1000, "s");
  builder.metric("bus.failed_looks", failedLooks, "1", { type: "COUNTER" });
  return builder.build();
}

function addNews(builder: TelemetryBuilder, look: Look, address: string): void {
  const { at, sight, verdict, before } = look;
  const line = newsLine(look);
  builder.status(verdict.severity, {
    componentName: "bus",
    status: verdict.status,
    // a restart is news of the same status
    previousStatus: before?.verdict.status ?? (look.isRestarted ? verdict.status : ""),
    statusChangeTimeNs: at.wallNs,
    healthStatus: healthOf[verdict.severity],
    restartCount: look.restarts,
    ...(sight.reached
      ? { responseTimeMs: rounded(sight.latencyMs, 3), uptimeSeconds: sight.answer.uptimeSeconds }
      : {}),
  });
  builder.text("bus.news", line);
  if (sight.reached) builder.text("bus.version", sight.answer.version.slice(0, 64));
  else if (sight.error.code === "identity_refused") addRefusal(builder, address, line);
}

function addRefusal(builder: TelemetryBuilder, address: string, analystNotes: string): void {
  builder.security("CRITICAL", {
    eventCategory: "AUTHENTICATION",
    eventAction: "DENIED",
    eventOutcome: "FAILURE",
    targetResource: address,
    targetType: "bus",
    requiresInvestigation: true,
    analystNotes,
  });
}

function addFigures(
  builder: TelemetryBuilder,
  { answer, latencyMs }: Extract<BusSight, { reached: true }>,
  throughput: number | undefined,
): void {
  builder.metric("bus.latency", rounded(latencyMs / 1000, 6), "s");
  if (throughput !== undefined) builder.metric("bus.throughput", rounded(throughput, 3), "1/s");
  builder
    .metric("bus.events", answer.eventsTotal, "1", { type: "COUNTER" })
    .metric("bus.connections", answer.connections, "1")
    .metric("bus.load", rounded(answer.load * 100, 2), "percent")
    .metric("bus.uptime", answer.uptimeSeconds, "s");
  for (const [name, told, unit, type] of toldFigures) {
    const value = figure(answer, told);
    if (value !== undefined) builder.metric(name, value, unit, { type });
  }
  const lastCommitMs = figure(answer, "last_commit_ms");
  // both times are of the bus's clock; 0: nothing was ever committed
  if (lastCommitMs) builder.metric("bus.log.commit_age", Math.max(0, answer.atMs - lastCommitMs) / 1000, "s");
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
