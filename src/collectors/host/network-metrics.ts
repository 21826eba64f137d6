import type { InterfaceColumn } from "../../procfs/index.ts";
import type { TelemetryBuilder } from "../../telemetry/index.ts";
import { countersDelta } from "./counter-delta.ts";
import type { HostInterval, MeasuredInterface } from "./host-sample.ts";

/** Column of an interface's counters, our name, its unit. */
const counters: readonly (readonly [InterfaceColumn, string, "bytes" | "1"])[] = [
  ["bytesIn", "host.interface.bytes_in", "bytes"],
  ["bytesOut", "host.interface.bytes_out", "bytes"],
  ["packetsIn", "host.interface.packets_in", "1"],
  ["packetsOut", "host.interface.packets_out", "1"],
  ["errorsIn", "host.interface.errors_in", "1"],
  ["errorsOut", "host.interface.errors_out", "1"],
  ["dropsIn", "host.interface.drops_in", "1"],
  ["dropsOut", "host.interface.drops_out", "1"],
];

/** Interfaces: totals as the kernel counts them, and per second over the interval. */
export function addNetworkMetrics(builder: TelemetryBuilder, { before, now, seconds }: HostInterval): void {
  const earlier = new Map(before.interfaces.map((one) => [one.name, one]));
  for (const one of now.interfaces) {
    const labels = { interface: one.name };
    const then = earlier.get(one.name);
    const delta = then && seconds > 0 ? deltaOf(then, one) : undefined;
    for (const [column, name, unit] of counters) {
      builder.metric(name, Number(one.counters[column]), unit, { type: "COUNTER", labels });
      if (delta) builder.metric(`${name}.rate`, Number(delta[column] ?? 0n) / seconds, `${unit}/s`, { labels });
    }
  }
}

/** An interface that was made anew under the same name has counted from 0. */
function deltaOf(before: MeasuredInterface, now: MeasuredInterface): Partial<Record<InterfaceColumn, bigint>> {
  return before.index === now.index ? countersDelta(before.counters, now.counters) : { ...now.counters };
}
