import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { AmoskysError } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import { metrics as definitions, type MetricDefinition } from "../data/metrics.ts";

/** The metrics of one process. */
export interface Metrics extends Pick<Observer, "count" | "gauge" | "observe"> {
  /** The text exposition format, version 0.0.4. */
  text(): Promise<string>;
  /** Runs before each exposition: for gauges that are read rather than followed. */
  beforeText(refresh: () => void): void;
}

function createMetric(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { name, help, type } = definition;
  const options = { name, help, labelNames: [...definition.labels], registers: [registry] };
  if (type === "counter") return new Counter(options);
  if (type === "gauge") return new Gauge(options);
  return new Histogram(definition.buckets ? { ...options, buckets: [...definition.buckets] } : options);
}

/** What the process itself uses, in the names that Prometheus clients share. */
function refreshProcess(set: (name: string, value: number) => void, startedMs: number): void {
  const usage = process.resourceUsage();
  set("process_cpu_seconds_total", (usage.userCPUTime + usage.systemCPUTime) / 1e6);
  set("process_resident_memory_bytes", process.memoryUsage.rss());
  set("process_start_time_seconds", startedMs / 1000);
}

/**
 * Creates the metrics whose names begin with one of `prefixes`. Counters without labels start at 0, so that a first
 * increment is seen as one.
 */
export function createMetrics(prefixes: readonly string[], startedMs: number): Metrics {
  const registry = new Registry();
  const all = ["process_", ...prefixes];
  const known = new Map(
    definitions
      .filter(({ name }) => all.some((prefix) => name.startsWith(prefix)))
      .map((definition) => [definition.name, createMetric(definition, registry)]),
  );
  const declared = new Set(definitions.map(({ name }) => name));
  const refreshers: (() => void)[] = [];
  const find = (name: string) => {
    const metric = known.get(name);
    if (!metric && !declared.has(name)) throw new AmoskysError("internal", `Metric ${name} is not in data/metrics.ts`);
    return metric;
  };
  return {
    count(name, labels, by = 1) {
      const metric = find(name);
      if (metric instanceof Counter) metric.inc(labels ?? {}, by);
    },
    gauge(name, value, labels) {
      const metric = find(name);
      if (metric instanceof Gauge) metric.set(labels ?? {}, value);
    },
    observe(name, value, labels) {
      const metric = find(name);
      if (metric instanceof Histogram) metric.observe(labels ?? {}, value);
    },
    beforeText(refresh) {
      refreshers.push(refresh);
    },
    text() {
      for (const refresh of refreshers) refresh();
      refreshProcess((name, value) => {
        const metric = known.get(name);
        if (metric instanceof Gauge) metric.set(value);
        if (metric instanceof Counter) {
          metric.reset();
          metric.inc(value);
        }
      }, startedMs);
      return registry.metrics();
    },
  };
}
