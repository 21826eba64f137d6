import type { TelemetryBuilder } from "../../telemetry/index.ts";
import type { HostSample } from "./host-sample.ts";

/** Protocols of /proc/net/sockstat and sockstat6, and ours. */
const protocols = ["TCP", "TCP6", "UDP", "UDP6", "UDPLITE", "UDPLITE6", "RAW", "RAW6", "FRAG", "FRAG6"] as const;

/** Counts of the TCP sockets, IPv4 and IPv6 together, and ours. */
const ofTcp = [
  ["orphan", "host.sockets.tcp.orphaned"],
  ["tw", "host.sockets.tcp.time_wait"],
  ["alloc", "host.sockets.tcp.allocated"],
] as const;

/** Sockets of the agent's network namespace, and the memory of their buffers. */
export function addSocketMetrics(builder: TelemetryBuilder, { sockets, pageBytes }: HostSample): void {
  const used = sockets.get("sockets")?.get("used");
  if (used !== undefined) builder.metric("host.sockets.used", used, "1");
  for (const name of protocols) {
    const counts = sockets.get(name);
    const labels = { protocol: name.toLowerCase() };
    const inUse = counts?.get("inuse");
    if (inUse !== undefined) builder.metric("host.sockets.in_use", inUse, "1", { labels });
    // in pages where it is called mem, in bytes where it is called memory
    const pages = counts?.get("mem");
    const bytes = pages === undefined ? counts?.get("memory") : pages * pageBytes;
    if (bytes !== undefined) builder.metric("host.sockets.memory", bytes, "bytes", { labels });
  }
  const tcp = sockets.get("TCP");
  for (const [name, ours] of ofTcp) {
    const value = tcp?.get(name);
    if (value !== undefined) builder.metric(ours, value, "1");
  }
}
