import { type DeviceFacts, TelemetryBuilder } from "../../telemetry/index.ts";
import type { HostConfig } from "./config.ts";
import { addCpuMetrics, busyPercent } from "./cpu-metrics.ts";
import { addDiskMetrics } from "./disk-metrics.ts";
import type { HostInterval, HostSample, MeasuredFileSystem } from "./host-sample.ts";
import { addMemoryMetrics, usedPercent } from "./memory-metrics.ts";
import { addNetworkMetrics } from "./network-metrics.ts";
import { addSocketMetrics } from "./socket-metrics.ts";

/** The telemetry of one interval. */
export function hostTelemetry(
  device: DeviceFacts,
  nowNs: bigint,
  interval: HostInterval,
  { per_core: perCore }: Pick<HostConfig, "per_core">,
): TelemetryBuilder {
  const { now } = interval;
  const builder = new TelemetryBuilder(device, nowNs);
  addStatus(builder, interval);
  addCpuMetrics(builder, interval, perCore);
  addLoadMetrics(builder, now);
  addPressureMetrics(builder, now);
  addMemoryMetrics(builder, now);
  addDiskMetrics(builder, interval);
  for (const fileSystem of now.fileSystems) addFileSystemMetrics(builder, fileSystem);
  addNetworkMetrics(builder, interval);
  addSocketMetrics(builder, now);
  for (const { device: folder, chip, sensor, celsius } of now.temperatures) {
    builder.metric("host.temperature", celsius, "Cel", { labels: { chip, sensor, device: folder } });
  }
  return builder;
}

/** The summary that a table of hosts shows; 0 is what is not known, and is not written. */
function addStatus(builder: TelemetryBuilder, interval: HostInterval): void {
  const { now } = interval;
  const shares = now.fileSystems.map(({ usage }) => usageShare(usage.sizeBytes, usage.freeBytes, usage.availableBytes));
  builder.status("INFO", {
    componentName: "host",
    status: "ONLINE",
    cpuUsagePercent: busyPercent(interval) ?? 0,
    memoryUsagePercent: usedPercent(now.memory) ?? 0,
    diskUsagePercent: Math.max(0, ...shares),
    uptimeSeconds: now.uptimeS ?? 0,
  });
}

function addLoadMetrics(builder: TelemetryBuilder, { load, stat, files, uptimeS }: HostSample): void {
  if (load) {
    builder
      .metric("host.load.1m", load.oneMinute, "1")
      .metric("host.load.5m", load.fiveMinutes, "1")
      .metric("host.load.15m", load.fifteenMinutes, "1");
  }
  const gauges: readonly (readonly [string, number | undefined, string])[] = [
    ["host.uptime", uptimeS, "s"],
    ["host.boot_time", stat.bootTimeS, "s"],
    ["host.threads.running", stat.running, "1"],
    ["host.threads.blocked", stat.blocked, "1"],
    ["host.files.open", files?.open, "1"],
    ["host.files.max", files?.max, "1"],
  ];
  for (const [name, value, unit] of gauges) if (value !== undefined) builder.metric(name, value, unit);
  const totals: readonly (readonly [string, number | undefined])[] = [
    ["host.forks", stat.forks],
    ["host.context_switches", stat.contextSwitches],
    ["host.interrupts", stat.interrupts],
  ];
  for (const [name, value] of totals) if (value !== undefined) builder.metric(name, value, "1", { type: "COUNTER" });
}

/** Share of time in which tasks waited for a resource, as the kernel averages it, and in all since boot. */
function addPressureMetrics(builder: TelemetryBuilder, { pressure }: HostSample): void {
  for (const [resource, lines] of pressure) {
    for (const { kind, avg10, avg60, avg300, totalUs } of lines) {
      const labels = { resource, kind };
      for (const [window, percent] of Object.entries({ "10s": avg10, "60s": avg60, "300s": avg300 })) {
        builder.metric("host.pressure", percent, "percent", { labels: { ...labels, window } });
      }
      builder.metric("host.pressure.time", totalUs / 1e6, "s", { type: "COUNTER", labels });
    }
  }
}

/** Percent used as df(1) has it: what is reserved for root is neither used nor to be had. */
function usageShare(size: number, free: number, available: number): number {
  const used = size - free;
  return used + available > 0 ? (used / (used + available)) * 100 : 0;
}

function addFileSystemMetrics(builder: TelemetryBuilder, { mount, usage }: MeasuredFileSystem): void {
  const labels = { mount: mount.mountPoint, device: mount.source, type: mount.type };
  const { sizeBytes, freeBytes, availableBytes, inodes, inodesFree } = usage;
  builder
    .metric("host.filesystem.size", sizeBytes, "bytes", { labels })
    .metric("host.filesystem.free", freeBytes, "bytes", { labels })
    .metric("host.filesystem.available", availableBytes, "bytes", { labels })
    .metric("host.filesystem.used_percent", usageShare(sizeBytes, freeBytes, availableBytes), "percent", { labels })
    .metric("host.filesystem.read_only", mount.isReadOnly ? 1 : 0, "1", { labels });
  if (inodes === 0) return;
  builder.metric("host.filesystem.inodes", inodes, "1", { labels });
  builder.metric("host.filesystem.inodes_free", inodesFree, "1", { labels });
}
