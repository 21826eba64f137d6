import { printFlows } from "../collectors/flow/index.ts";
import { systemClock } from "../core/clock.ts";
import type { LogLevel, Observer } from "../core/observer.ts";
import { createLogger } from "../observability/index.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { spawnWorker } from "./worker-registry.ts";

export interface PrintAgentOptions {
  readonly source: ConfigSource;
  /** A capture file in place of interfaces. */
  readonly read: string | undefined;
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: "pretty" | "json" | undefined;
}

/**
 * Runs the flow collector alone: each flow is one JSON line on stdout, and neither keys, log nor bus are touched. Ends
 * at the end of the file or at a signal, after what is in its table was printed.
 */
export async function printAgent(options: PrintAgentOptions): Promise<void> {
  const { source, read, logLevel = "warn", logFormat } = options;
  const { config, notices } = loadHomeConfig(source);
  const format = logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
  const logger = createLogger({ role: "flow", level: logLevel, format });
  for (const notice of notices) logger.log("warn", notice);
  const observer: Observer = { count() {}, gauge() {}, observe() {}, log: logger.log };
  const end = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end.abort());
  await printFlows({
    config: config.flow,
    ...(read === undefined ? {} : { read }),
    context: { observer, clock: systemClock, spawnWorker },
    signal: end.signal,
  });
}
