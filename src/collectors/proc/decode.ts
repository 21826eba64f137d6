import { create, toBinary } from "@bufbuild/protobuf";
import type { CollectedEvent } from "../../core/event.ts";
import { ProcessEventSchema } from "../../gen/messaging_schema_pb.ts";
import { ticksPerSecond } from "../../procfs/index.ts";
import { type DeviceFacts, TelemetryBuilder } from "../../telemetry/index.ts";
import type { ProcConfig } from "./config.ts";
import { isListed } from "./process-filter.ts";
import type { TrackedProcess } from "./tracked-process.ts";

/** `seen`: was there before the first round. */
export type ProcessEventKind = "seen" | "start" | "exec" | "exit";

/** One event of one process. The time of an exit is that of the round that missed the process. */
export function processEvent(kind: ProcessEventKind, process: TrackedProcess, nowNs: bigint): CollectedEvent {
  const { pid, ppid, facts, startNs, entityId } = process;
  const message = create(ProcessEventSchema, {
    pid: BigInt(pid),
    ppid: BigInt(ppid),
    exe: facts.exe,
    args: [...facts.args],
    startTsNs: startNs,
    uid: facts.uid,
    gid: facts.gid,
    cgroup: facts.cgroup.path,
    containerId: facts.cgroup.containerId,
    kind,
    source: "poll",
    entityId,
    ...(kind === "exit" ? { exitTimeNs: nowNs } : {}),
  });
  return { kind: "process", tsNs: nowNs, payload: toBinary(ProcessEventSchema, message) };
}

/** The processes that get metrics: the listed ones, or where the lists are empty the top ones by CPU and by memory. */
export function monitored(processes: readonly TrackedProcess[], config: ProcConfig): TrackedProcess[] {
  const { monitor_names: names, monitor_pids: pids, top } = config;
  if (names.length > 0 || pids.length > 0) {
    return processes.filter((process) => isListed({ ...process, exe: process.facts.exe }, names, pids));
  }
  const byCpu = [...processes].sort((a, b) => b.cpuPercent - a.cpuPercent || a.pid - b.pid);
  const byMemory = [...processes].sort((a, b) => b.residentBytes - a.residentBytes || a.pid - b.pid);
  return [...new Set([...byCpu.slice(0, top), ...byMemory.slice(0, top)])];
}

/** What a round's telemetry is made of. */
export interface RoundMetrics {
  readonly device: DeviceFacts;
  readonly nowNs: bigint;
  /** All that are looked at. */
  readonly processes: readonly TrackedProcess[];
  readonly monitored: readonly TrackedProcess[];
  /** Open descriptors of a process; undefined where they may not be seen. */
  descriptors(pid: number): number | undefined;
  /** Its exact resident memory; undefined where it has just ended. */
  residentBytes(pid: number): number | undefined;
}

/** How many processes there are by state, and the figures of the monitored ones. */
export function roundTelemetry(round: RoundMetrics): TelemetryBuilder {
  const { device, nowNs, processes, monitored, descriptors, residentBytes } = round;
  const builder = new TelemetryBuilder(device, nowNs);
  const states = new Map<string, number>();
  for (const { state } of processes) states.set(state, (states.get(state) ?? 0) + 1);
  for (const [state, count] of [...states].sort()) builder.metric("process.count", count, "1", { labels: { state } });
  builder.metric("process.all.threads", sumOf(processes), "1");
  for (const process of monitored) {
    const labels = { pid: String(process.pid), name: process.name, entity_id: process.entityId };
    builder
      .metric("process.cpu.used", process.cpuPercent, "percent", { labels })
      .metric("process.cpu.time", process.cpuTicks / ticksPerSecond, "s", { type: "COUNTER", labels })
      .metric("process.memory.resident", residentBytes(process.pid) ?? process.residentBytes, "bytes", { labels })
      .metric("process.memory.virtual", process.virtualBytes, "bytes", { labels })
      .metric("process.threads", process.threads, "1", { labels })
      .text("process.state", process.state, labels);
    const open = descriptors(process.pid);
    if (open !== undefined) builder.metric("process.descriptors", open, "1", { labels });
  }
  return builder;
}

function sumOf(processes: readonly TrackedProcess[]): number {
  return processes.reduce((sum, { threads }) => sum + threads, 0);
}
