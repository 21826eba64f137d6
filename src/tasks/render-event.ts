import { formatBytes, formatDurationMs } from "../core/quantities.ts";
import type { DecodedPayload } from "../envelope/index.ts";
import type { LossRecord, ParkedRecord } from "../gen/amoskys/v1/records_pb.ts";
import type { FlowEvent, ProcessEvent } from "../gen/messaging_schema_pb.ts";
import type { TelemetryBatch } from "../gen/universal_telemetry_pb.ts";
import { icmpCounterparts, icmpv6Counterparts } from "../packet/index.ts";
import { fitText } from "./fit-text.ts";
import { deviceLine } from "./render-device.ts";
import { shortText } from "./render-metric.ts";

/** Arguments of a process have so much room at least, in columns. */
const argumentColumnsMin = 12;

/** Letters of the TCP flags from the lowest bit on (RFC 9293, section 3.1; RFC 3168, section 6.1). */
const flagLetters = "FSRPAUEC";

/** FlowEvent times below this are seconds: earlier agents wrote them so. */
const secondsMax = 10n ** 12n;

/** What a record holds, as one line for a person; what has no end of its own fills `columns`. */
export function eventLine(payload: DecodedPayload, columns: number): string {
  switch (payload.kind) {
    case "flow":
      return flowLine(payload.event);
    case "process":
      return processLine(payload.event, columns);
    case "device":
      return deviceLine(payload.event, columns);
    case "batch":
      return batchLine(payload.event);
    case "loss":
      return lossLine(payload.event);
    case "parked":
      return parkedLine(payload.event);
  }
}

function join(parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part).join("  ");
}

function count(n: number | bigint, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${Number(n) === 1 ? "" : "s"}`;
}

function endpoint(ip: string, port: number): string {
  const address = shortText(ip) || "?";
  if (port === 0) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** FlowEvent.start_time and end_time, in whatever unit an agent wrote them. */
export function flowTimeNs(time: bigint): bigint {
  return time < secondsMax ? time * 1_000_000_000n : time;
}

function flowDurationMs({ durationMs, startTime, endTime }: FlowEvent): number {
  if (durationMs > 0 || startTime === 0n || endTime === 0n) return durationMs;
  return Math.max(0, Number((flowTimeNs(endTime) - flowTimeNs(startTime)) / 1_000_000n));
}

/** One letter for each TCP flag. */
export function tcpFlagText(flags: number): string {
  return [...flagLetters].filter((_, bit) => flags & (1 << bit)).join("");
}

function traffic(packets: bigint, bytes: bigint, direction: string): string {
  const counted = packets > 0n ? `${count(packets, "packet")} ` : "";
  return `${counted}${formatBytes(Number(bytes))} ${direction}`;
}

/**
 * Addresses with what stands in the place of ports. For ICMP that is the type and the type that answers it, as the
 * Community ID has it, or type and code where no type does.
 */
function flowEndpoints({ srcIp, srcPort, dstIp, dstPort }: FlowEvent, protocol: string): string {
  if (!/^(ipv6-)?icmp/i.test(protocol)) return `${endpoint(srcIp, srcPort)} -> ${endpoint(dstIp, dstPort)}`;
  const counterparts = srcIp.includes(":") ? icmpv6Counterparts : icmpCounterparts;
  if (srcPort === 0 && dstPort === 0) return `${endpoint(srcIp, 0)} -> ${endpoint(dstIp, 0)}`;
  const other = counterparts[srcPort] === dstPort ? `answered by ${dstPort}` : `code ${dstPort}`;
  return `${endpoint(srcIp, 0)} -> ${endpoint(dstIp, 0)}  type ${srcPort}, ${other}`;
}

function flowLine(flow: FlowEvent): string {
  const protocol = shortText(flow.protocol || flow.proto) || "IP";
  const sent = traffic(flow.packetsTx, flow.bytesTx || flow.bytesSent, "out");
  const received = traffic(flow.packetsRx, flow.bytesRx || flow.bytesRecv, "in");
  return join([
    `${protocol} ${flowEndpoints(flow, protocol)}`,
    `${sent}, ${received}`,
    tcpFlagText(flow.flags | flow.tcpFlagsTx | flow.tcpFlagsRx),
    formatDurationMs(flowDurationMs(flow)),
    shortText(flow.endReason),
    shortText(flow.interface),
    flow.vlanId > 0 && `vlan ${flow.vlanId}`,
  ]);
}

/**
 * As ps names a process: by the file it executes, else by its first argument, which for kernel threads and zombies is
 * the name in brackets.
 */
function processName({ exe, args }: ProcessEvent): string {
  return shortText(exe.slice(exe.lastIndexOf("/") + 1) || args[0] || "") || "?";
}

/** What ended it, where somebody was told: who only finds a process gone knows how long it was there. */
function endText(event: ProcessEvent): string {
  if (event.source !== "poll") return `exit code ${event.exitCode}`;
  const { startTsNs, exitTimeNs } = event;
  return startTsNs > 0n && exitTimeNs > startTsNs
    ? `after ${formatDurationMs(Number((exitTimeNs - startTsNs) / 1_000_000n))}`
    : "";
}

function processLine(event: ProcessEvent, columns: number): string {
  const name = `${shortText(event.kind) || "process"} ${event.pid} ${processName(event)}`;
  const rest = join([
    `parent ${event.ppid}, user ${event.uid}`,
    event.containerId !== "" && `container ${shortText(event.containerId).slice(0, 12)}`,
    event.kind === "exit" && endText(event),
  ]);
  const taken = Bun.stringWidth(join([name, "()", rest]));
  const given = fitText(event.args.slice(1).join(" "), Math.max(argumentColumnsMin, columns - taken));
  return join([name, given !== "" && `(${given})`, rest]);
}

function batchLine(batch: TelemetryBatch): string {
  const events = batch.telemetryRecords.reduce((sum, record) => sum + record.events.length, 0);
  return join([
    `batch ${batch.batchSequenceNumber}${batch.edgeAgentId ? ` of ${shortText(batch.edgeAgentId)}` : ""}`,
    `${count(batch.telemetryRecords.length, "record")}, ${count(events, "event")}`,
    batch.droppedEvents > 0 && `${count(batch.droppedEvents, "event")} dropped`,
  ]);
}

function lossLine(loss: LossRecord): string {
  const spanMs = Number((loss.endNs - loss.startNs) / 1_000_000n);
  const range =
    loss.firstSequence === loss.lastSequence
      ? `sequence ${loss.firstSequence}`
      : `sequences ${loss.firstSequence} to ${loss.lastSequence}`;
  return join([
    `lost ${count(loss.count, "event")} (${shortText(loss.reason) || "no reason given"})`,
    range,
    spanMs > 0 && `over ${formatDurationMs(spanMs)}`,
  ]);
}

function parkedLine(parked: ParkedRecord): string {
  const reason = parked.reason === "" ? "" : `: ${shortText(parked.reason)}`;
  const digest = Buffer.from(parked.digest).toString("hex").slice(0, 16);
  return join([
    `parked sequence ${parked.sequence} (${shortText(parked.code) || "no code"}${reason})`,
    `digest ${digest}`,
  ]);
}
