import type { Labels, LogFields, Observer } from "../../src/core/observer.ts";
import { type MetricDefinition, metrics } from "../../src/data/metrics.ts";

const definitions = new Map(metrics.map((definition) => [definition.name, definition]));

/** What a role's observer refuses, a test's refuses too: names, types and labels that are not declared. */
function assertDeclared(metric: string, type: MetricDefinition["type"], labels: Labels): void {
  const definition = definitions.get(metric);
  if (definition?.type !== type) throw new Error(`${metric} is no ${type} of data/metrics.ts`);
  const undeclared = Object.keys(labels).filter((label) => !definition.labels.includes(label));
  if (undeclared.length > 0) throw new Error(`${metric} has no labels ${undeclared.join(", ")}`);
}

/** Remembers counters by name and label values, and lines. */
export class CountingObserver implements Observer {
  readonly counters = new Map<string, number>();
  readonly lines: { message: string; fields: LogFields }[] = [];

  count(metric: string, labels: Labels = {}, by = 1): void {
    assertDeclared(metric, "counter", labels);
    const key = [metric, ...Object.values(labels)].join(" ");
    this.counters.set(key, (this.counters.get(key) ?? 0) + by);
  }

  gauge(metric: string, _value: number, labels: Labels = {}): void {
    assertDeclared(metric, "gauge", labels);
  }

  observe(metric: string, _value: number, labels: Labels = {}): void {
    assertDeclared(metric, "histogram", labels);
  }

  log(_level: string, message: string, fields: LogFields = {}): void {
    this.lines.push({ message, fields });
  }

  counted(...key: string[]): number {
    return this.counters.get(key.join(" ")) ?? 0;
  }
}
