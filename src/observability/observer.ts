import type { Observer } from "../core/observer.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** What the rooms of a role report to: its metrics and its log. */
export function createObserver(metrics: Metrics, logger: Logger): Observer {
  return { count: metrics.count, gauge: metrics.gauge, observe: metrics.observe, log: logger.log };
}
