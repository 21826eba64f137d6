/**
 * How a role is seen from outside: metrics, log lines, health pages. Knows no role; roles inject its observer into the
 * rooms and its pages with what they know. Nothing durable: log files rotate.
 */

export { createHealthServer, type HealthReport, type HealthServer, type HealthServerOptions } from "./health-server.ts";
export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { createObserver } from "./observer.ts";
